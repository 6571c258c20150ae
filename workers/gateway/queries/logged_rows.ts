import { TickRowEncoder } from "../../../lib/capture/tick_row_encoder.ts";
import type { TickLogReader } from "../../../lib/log/tick_log.ts";
import { compareIds, type TickId } from "../../../lib/market/tick_id.ts";
import type { RowBlock } from "./row_block.ts";

/** Ticks read at a time: less than a megabyte of rows. */
const PAGE_TICKS = 10_000;

/** The log trimmed ticks that were not read yet. They are in the files, which have to be read again. */
export class LogTrimmed extends Error {
  override readonly name = "LogTrimmed";
}

/**
 * The rows that the log has after an id, as the day files would hold them. It may have begun to trim
 * before the first of them; what it trims later and was not read is `LogTrimmed`.
 */
export async function* loggedRows(
  reader: TickLogReader,
  { symbol, after, end }: { symbol: string; after: TickId; end: TickId },
): AsyncGenerator<RowBlock> {
  const known = await reader.checkpoint(symbol);
  // Nothing of the range: a range of the past asks no more than this.
  if (known === undefined || compareIds(known.trimmedId, end) >= 0) return;
  const encoder = new TickRowEncoder();
  for (let position = after, first = true;; first = false) {
    const segments = await reader.read(new Map([[symbol, position]]), { maxTicks: PAGE_TICKS });
    const trimmedId = (await reader.checkpoint(symbol))?.trimmedId;
    if (!first && trimmedId !== undefined && compareIds(trimmedId, position) > 0) {
      throw new LogTrimmed(
        `Cannot go on reading the log of ${symbol}: current ticks begin after ${trimmedId.ms}`,
      );
    }
    const firstId = segments[0]?.firstId, lastId = segments.at(-1)?.lastId;
    if (firstId === undefined || lastId === undefined) return;
    encoder.clear();
    for (const segment of segments) {
      encoder.encode(segment.ticks, { from: 0, firstId: segment.firstId, endMs: Infinity });
    }
    yield { bytes: encoder.bytes.slice(), firstId, lastId };
    if (compareIds(lastId, end) >= 0) return;
    position = lastId;
  }
}
