import type { BridgeConnection } from "../../../../lib/bridge/bridge_connection.ts";
import type { SourceSymbol } from "../../../../lib/bridge/feed.ts";
import { writeWhole } from "../../../../lib/capture/durable_file.ts";
import { TICK_HEADER_BYTES } from "../../../../lib/capture/tick_row.ts";
import { TickRowEncoder } from "../../../../lib/capture/tick_row_encoder.ts";
import { symbolFolder } from "../../../../lib/market/symbol.ts";
import { Ticks } from "../../../../lib/market/tick.ts";
import type { GridClock } from "../../../../lib/time/calendar/market_calendar.ts";

export interface LogTicksOptions {
  readonly dataDir: string;
  /** Its one stream is used. */
  readonly connection: Pick<BridgeConnection, "source" | "stream">;
  readonly symbols: readonly SourceSymbol[];
  readonly clock: GridClock;
  /** 5 s by default. */
  readonly forMs?: number;
  readonly signal: AbortSignal;
}

export interface TickSnapshot {
  readonly symbol: string;
  readonly ticks: number;
  /** `diagnostics/ticks_20251222T094532Z_EURUSD.csv`, relative to the data folder; absent when no tick came. */
  readonly file?: string;
}

const FOR_MS = 5_000;

/**
 * `--tick-logging`: the live ticks of some seconds, of all symbols at once, a file each, to see that
 * ticks come and what they look like. It is no capture: the day is not over, and its own files belong
 * to the writer, so the snapshot lies in `diagnostics/`, where nothing counts it as a day's ticks.
 * Resolves after that time, or at once when the signal aborts, with what came.
 * @throws BridgeError when the source or the connection fails; RangeError where the clock is unknown.
 */
export async function logTicks(options: LogTicksOptions): Promise<TickSnapshot[]> {
  const { dataDir, connection, symbols, clock, forMs = FOR_MS, signal } = options;
  const bySymbol = new Map<string, Ticks[]>();
  const requests = symbols.map(({ symbol }) => ({ symbol, fromServerMs: "now" as const }));
  const over = AbortSignal.any([signal, AbortSignal.timeout(forMs)]);
  if (requests.length > 0) {
    for await (const event of connection.stream(requests, over)) {
      if (event.type !== "ticks") continue;
      const ticks = new Ticks(event.ticks.bytes.slice());
      for (let index = 0; index < ticks.count; index++) {
        ticks.setUtcMs(index, clock.toUtcMs(ticks.serverMs(index)));
      }
      bySymbol.set(event.symbol, [...bySymbol.get(event.symbol) ?? [], ticks]);
    }
  }
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const snapshots: TickSnapshot[] = [];
  for (const { symbol } of symbols) {
    const ticks = Ticks.concat(bySymbol.get(symbol) ?? []);
    const file = `diagnostics/ticks_${stamp}_${symbolFolder(symbol)}.csv`;
    if (ticks.count === 0) snapshots.push({ symbol, ticks: 0 });
    else {
      await writeSnapshot(dataDir, file, ticks);
      snapshots.push({ symbol, ticks: ticks.count, file });
    }
  }
  return snapshots;
}

/** Rows like those of a day file; an existing file stays, so two runs within a second do not mix. */
async function writeSnapshot(dataDir: string, path: string, ticks: Ticks): Promise<void> {
  await Deno.mkdir(`${dataDir}/diagnostics`, { recursive: true });
  const encoder = new TickRowEncoder();
  encoder.encode(ticks, { from: 0, firstId: { ms: ticks.utcMs(0), n: 0 }, endMs: Infinity });
  using file = await Deno.open(`${dataDir}/${path}`, { createNew: true, write: true, mode: 0o644 });
  await writeWhole(file, TICK_HEADER_BYTES);
  await writeWhole(file, encoder.bytes);
  await file.sync();
}
