import { Ticks } from "../market/tick.ts";
import type { BridgeConnection } from "./bridge_connection.ts";
import { BridgeError } from "./bridge_error.ts";
import type { SourceEvent } from "./feed.ts";

export interface TickHistoryRequest {
  readonly symbol: string;
  /** Ms on the server's clock, `[from, to)`. */
  readonly fromServerMs: number;
  readonly toServerMs: number;
  /** How long a vendor's late ticks are late: so far past `to` is read on for them. */
  readonly lateMs?: number;
  readonly signal: AbortSignal;
}

/** Twelve times as long as a collector reads again after a break. */
const LATE_MS = 60_000;

/**
 * What the vendor has of one symbol within the range, in the vendor's order, which may not be the
 * order of time. Ends when all of it came: the watermark or a tick lies past the range and the late
 * ticks, or the history has reached the present. The ticks are copies of the caller's own; slot 0 is
 * not UTC yet. Uses the connection's one stream.
 * @throws BridgeError when the source or the connection fails: what was yielded is then not all.
 * AbortError when the signal aborts.
 */
export async function* readTickHistory(
  connection: Pick<BridgeConnection, "source" | "stream">,
  { symbol, fromServerMs, toServerMs, lateMs = LATE_MS, signal }: TickHistoryRequest,
): AsyncGenerator<Ticks> {
  if (!(fromServerMs < toServerMs)) return;
  for await (const event of connection.stream([{ symbol, fromServerMs }], signal)) {
    if (event.type === "ticks") {
      const within = stampedWithin(event.ticks, fromServerMs, toServerMs);
      if (within.count > 0) yield within;
    }
    if (isComplete(event, toServerMs + lateMs)) return;
  }
  signal.throwIfAborted();
  throw new BridgeError(
    "source_failed",
    `Cannot read the ticks of ${symbol} up to ${toServerMs} from ${connection.source.name}: current stream ended before`,
  );
}

function isComplete(event: SourceEvent, pastServerMs: number): boolean {
  switch (event.type) {
    case "ticks":
      return event.ticks.serverMs(event.ticks.count - 1) >= pastServerMs;
    case "clock":
      return event.watermarkServerMs >= pastServerMs;
    case "live":
    case "ended":
      return true;
    default:
      return false;
  }
}

/** A copy of the ticks stamped `[from, to)`. */
function stampedWithin(ticks: Ticks, fromServerMs: number, toServerMs: number): Ticks {
  const kept: Ticks[] = [];
  let from = 0;
  for (let index = 0; index <= ticks.count; index++) {
    const isIn = index < ticks.count && ticks.serverMs(index) >= fromServerMs &&
      ticks.serverMs(index) < toServerMs;
    if (isIn) continue;
    if (index > from) kept.push(ticks.slice(from, index));
    from = index + 1;
  }
  const [first] = kept;
  if (first === undefined) return Ticks.ofLength(0);
  return kept.length === 1 ? new Ticks(first.bytes.slice()) : Ticks.concat(kept);
}
