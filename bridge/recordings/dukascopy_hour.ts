import { decompress } from "lzma1";
import type { Ticks } from "../../lib/market/tick.ts";
import { TickBlock } from "../simulated/tick_block.ts";
import type { BadLineReport } from "./recording.ts";

const RECORD_BYTES = 20;
const HOUR_MS = 3_600_000;
const FLAG_BID = 2, FLAG_ASK = 4;

export interface DukascopyHour {
  readonly path: string;
  readonly fromUtcMs: number;
  /** Prices are whole numbers of 1/scale. */
  readonly scale: number;
  readonly report: BadLineReport;
}

/**
 * Dukascopy's `.bi5`: LZMA over big-endian records of ms in the hour, ask, bid, ask volume, bid volume.
 * The volumes are what was offered, not what was traded, so ticks have none.
 */
export async function* readDukascopyHour(hour: DukascopyHour): AsyncGenerator<Ticks> {
  const packed = await Deno.readFile(hour.path);
  // An hour without ticks is an empty file.
  if (packed.length === 0) return;
  const bytes = decompress(packed);
  const records = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const block = new TickBlock();
  const whole = Math.floor(bytes.length / RECORD_BYTES);
  for (let record = 0; record < whole; record++) {
    const at = record * RECORD_BYTES;
    const ofHour = records.getUint32(at);
    if (ofHour >= HOUR_MS) {
      hour.report({ path: hour.path, line: record + 1, reason: "its time is outside the hour" });
      continue;
    }
    const ask = records.getUint32(at + 4) / hour.scale;
    const bid = records.getUint32(at + 8) / hour.scale;
    block.push(hour.fromUtcMs + ofHour, bid, ask, FLAG_BID | FLAG_ASK);
  }
  if (bytes.length % RECORD_BYTES !== 0) {
    hour.report({ path: hour.path, line: whole + 1, reason: "it is no whole record" });
  }
  yield block.take();
}
