import type { BridgeConnection } from "./bridge_connection.ts";
import { BridgeError } from "./bridge_error.ts";

/** Now, by the clock that the source tells: its server's, or UTC where that clock is learned. */
export type SourceNow = { readonly nowServerMs: number } | { readonly nowUtcMs: number };

/** A source that is up tells the time each second; a vendor may take its time to begin. */
const SILENT_MS = 30_000;
/** A recording that is played in a loop has no end to wait for. */
const LONGEST_MS = 300_000;

/**
 * The source's present, which of a recording or an invented market is not the machine's. While the
 * vendor's feed is down it is the moment at which that went away: nothing newer is there. A recording
 * that is played as fast as it is taken has its present at its end, and is read to there, for five
 * minutes at most.
 * @throws BridgeError when the source fails, ends without a word, or says nothing for half a minute;
 * AbortError when the signal aborts.
 */
export async function sourcePresent(
  connection: Pick<BridgeConnection, "source" | "stream">,
  symbol: string,
  signal: AbortSignal,
): Promise<SourceNow> {
  const silence = new Silence(signal);
  const isRecording = connection.source.kind === "replay";
  const deadlineMs = performance.now() + LONGEST_MS;
  let latest: SourceNow | undefined, isLive = false;
  try {
    const request = { symbol, fromServerMs: "now" } as const;
    for await (const event of connection.stream([request], silence.signal)) {
      silence.broken();
      if (event.type === "ended") break;
      if (event.type === "live") isLive = true;
      const now = nowOf(event);
      if (now === undefined) continue;
      latest = now;
      const isPresent = isLive || !isRecording || event.type === "feed";
      if (isPresent || performance.now() > deadlineMs) return now;
    }
  } finally {
    silence[Symbol.dispose]();
  }
  signal.throwIfAborted();
  if (latest !== undefined && !silence.signal.aborted) return latest;
  throw new BridgeError(
    "source_failed",
    `Cannot ask ${connection.source.name} for its present: current answer is ${
      silence.signal.aborted ? `nothing for ${SILENT_MS} ms` : "the end of the stream"
    }`,
  );
}

/** The same in UTC, by the source's clock where it tells the server's time. */
export async function presentUtcMs(
  connection: Pick<BridgeConnection, "source" | "stream">,
  { symbol, clock, signal }: {
    symbol: string;
    clock: { toUtcMs(serverMs: number): number };
    signal: AbortSignal;
  },
): Promise<number> {
  const now = await sourcePresent(connection, symbol, signal);
  return "nowUtcMs" in now ? now.nowUtcMs : clock.toUtcMs(now.nowServerMs);
}

function nowOf(event: object): SourceNow | undefined {
  if ("nowServerMs" in event && typeof event.nowServerMs === "number") {
    return { nowServerMs: event.nowServerMs };
  }
  if ("nowUtcMs" in event && typeof event.nowUtcMs === "number") {
    return { nowUtcMs: event.nowUtcMs };
  }
  return undefined;
}

/** Aborts when the caller does, or when nothing came for too long. */
class Silence implements Disposable {
  readonly signal: AbortSignal;
  readonly #tooLong = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#tooLong.signal]);
    this.broken();
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tooLong.abort(), SILENT_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
