import type { Checkpoint, TickLogReader } from "../../lib/log/tick_log.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import { compareIds, formatId, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import { formatTickRow } from "../../lib/capture/tick_row_encoder.ts";
import type { TickRow } from "../../lib/capture/tick_row.ts";
import { CaptureStopped } from "./capture_stopped.ts";
import type { Recovered } from "./recover.ts";

/** How a symbol goes on after its files were read. */
export type Resumption =
  /** From the files' position. */
  | { readonly outcome: "capturing" }
  /** The log begins after the files' end: what lies between is not known to anybody. */
  | { readonly outcome: "gap"; readonly fromMs: number; readonly toMs: number }
  /** The log lost its end; the collector reads it again from the source. */
  | { readonly outcome: "waiting"; readonly forId: TickId };

/** The greatest number of ticks that one ms can hold by id. */
const LAST_N = 0xffffffff;

/**
 * Compares the files' end with the log.
 * @throws CaptureStopped when the log has no longer what the files lack, or tells another story.
 */
export async function resumption(
  log: TickLogReader,
  { symbol, checkpoint, recovered, acceptGap }: {
    symbol: string;
    checkpoint: Checkpoint;
    recovered: Recovered;
    acceptGap: boolean;
  },
): Promise<Resumption> {
  const { position, lastRow } = recovered;
  if (compareIds(checkpoint.trimmedId, position) > 0) {
    if (acceptGap) {
      return { outcome: "gap", fromMs: after(position), toMs: checkpoint.trimmedId.ms + 1 };
    }
    throw new CaptureStopped(
      `Cannot rebuild ${symbol} after ${
        formatId(position)
      } from the log: current value is trimmed up ` +
        `to ${formatId(checkpoint.trimmedId)} (restore the files, or set WRITER_ACCEPT_GAP=1)`,
    );
  }
  if (position === NO_TICK) return { outcome: "capturing" };
  if (compareIds(checkpoint.lastId, position) < 0) return { outcome: "waiting", forId: position };
  if (compareIds(checkpoint.trimmedId, position) === 0) return { outcome: "capturing" };

  const [held] = await log.read(new Map([[symbol, idBefore(position)]]), { maxTicks: 1 });
  if (held !== undefined && compareIds(held.firstId, position) === 0) {
    if (lastRow === undefined || sameRow(lastRow, held.ticks)) return { outcome: "capturing" };
    throw new CaptureStopped(
      `Cannot go on with ${symbol} as the log's ${
        formatId(position)
      }: current value in the log is ` +
        formatTickRow(held.ticks, 0, held.firstId),
    );
  }
  const [oldest] = await log.read(new Map([[symbol, NO_TICK]]), { maxTicks: 1 });
  if (oldest !== undefined && compareIds(oldest.firstId, position) > 0) {
    return { outcome: "gap", fromMs: after(position), toMs: oldest.firstId.ms };
  }
  throw new CaptureStopped(
    `Cannot go on with ${symbol} after ${formatId(position)}: current log has ticks around it, ` +
      "but not this one (it was begun anew from an earlier time)",
  );
}

function sameRow(row: TickRow, ticks: Ticks): boolean {
  const tick = ticks.get(0);
  return row.utcMs === ticks.utcMs(0) && row.serverMs === tick.serverMs &&
    sameNumber(row.bid, tick.bid) && sameNumber(row.ask, tick.ask) &&
    sameNumber(row.last, tick.last) && sameNumber(row.volume, tick.volume) &&
    row.flags === tick.flags;
}

/** Two absent values are the same; the sign of a zero is not written. */
function sameNumber(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

/** Where a hole begins: the last row that is known lies before it. */
function after(position: TickId): number {
  return position.ms + 1;
}

function idBefore(id: TickId): TickId {
  return id.n > 0 ? { ms: id.ms, n: id.n - 1 } : { ms: id.ms - 1, n: LAST_N };
}
