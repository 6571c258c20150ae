import type { ServerZone } from "../bridge/feed.ts";
import { formatServerZone, toServerMs, toUtcMs } from "./server_zone.ts";

/**
 * A server's clock as far as it is known, frozen: it never changes under its holder. Cheap enough
 * for every tick. Changes of the clock are read as `server_zone.ts` says: a server time that happens
 * twice is the first of the two, one that is skipped is read with the offset from before the change;
 * where one interval of the ledger ends and the next begins, the same holds.
 */
export interface ServerClock {
  /** @throws RangeError when the result would be outside `knownFromUtcMs` to `knownUntilUtcMs`. */
  toUtcMs(serverMs: number): number;
  /** @throws RangeError when `utcMs` is outside `knownFromUtcMs` to `knownUntilUtcMs`. */
  toServerMs(utcMs: number): number;
  /** Server clock minus UTC. @throws RangeError like `toServerMs`. */
  offsetMsAt(utcMs: number): number;
  /** Inclusive; before it the rules that are still possible disagree. -Infinity: known for ever. */
  readonly knownFromUtcMs: number;
  /** Exclusive; there the rules that are still possible part. Infinity: only one is possible. */
  readonly knownUntilUtcMs: number;
  /** As `formatServerZone` writes it; undefined while several rules are possible. */
  readonly rule: string | undefined;
}

/** A rule, and since when it holds; until the next one begins. */
export interface ClockPiece {
  readonly fromUtcMs: number;
  readonly zone: ServerZone;
}

/** The clock of a source that states it. */
export function statedClock(zone: ServerZone): ServerClock {
  return datedClock([{ fromUtcMs: -Infinity, zone }], {
    knownFromUtcMs: -Infinity,
    knownUntilUtcMs: Infinity,
    rule: formatServerZone(zone),
  });
}

/** The clock of dated rules, oldest first; what is before the first is read by the first. */
export function datedClock(
  pieces: readonly ClockPiece[],
  known: Pick<ServerClock, "knownFromUtcMs" | "knownUntilUtcMs" | "rule">,
): ServerClock {
  return new DatedClock(pieces, known);
}

class DatedClock implements ServerClock {
  readonly knownFromUtcMs: number;
  readonly knownUntilUtcMs: number;
  readonly rule: string | undefined;
  /** The rule of now, and where it begins on both clocks: nearly every call is answered by it. */
  readonly #zone: ServerZone;
  readonly #fromUtcMs: number;
  readonly #fromServerMs: number;
  /** Everything before. */
  readonly #earlier: DatedClock | undefined;

  constructor(
    pieces: readonly ClockPiece[],
    known: Pick<ServerClock, "knownFromUtcMs" | "knownUntilUtcMs" | "rule">,
  ) {
    const last = pieces.at(-1);
    if (last === undefined) {
      throw new RangeError("Cannot make a clock of dated rules: current value is no rule");
    }
    this.knownFromUtcMs = known.knownFromUtcMs;
    this.knownUntilUtcMs = known.knownUntilUtcMs;
    this.rule = known.rule;
    this.#zone = last.zone;
    const before = pieces.at(-2);
    if (before === undefined) {
      this.#fromUtcMs = -Infinity;
      this.#fromServerMs = -Infinity;
      return;
    }
    this.#fromUtcMs = last.fromUtcMs;
    this.#fromServerMs = Math.max(
      toServerMs(last.fromUtcMs - 1, before.zone) + 1,
      toServerMs(last.fromUtcMs, last.zone),
    );
    this.#earlier = new DatedClock(pieces.slice(0, -1), known);
  }

  toUtcMs(serverMs: number): number {
    if (this.#earlier !== undefined && serverMs < this.#fromServerMs) {
      return this.#earlier.toUtcMs(serverMs);
    }
    const utcMs = toUtcMs(serverMs, this.#zone);
    if (utcMs >= this.knownFromUtcMs && utcMs < this.knownUntilUtcMs) return utcMs;
    throw this.#unknown("server time", serverMs);
  }

  toServerMs(utcMs: number): number {
    if (this.#earlier !== undefined && utcMs < this.#fromUtcMs) {
      return this.#earlier.toServerMs(utcMs);
    }
    if (utcMs >= this.knownFromUtcMs && utcMs < this.knownUntilUtcMs) {
      return toServerMs(utcMs, this.#zone);
    }
    throw this.#unknown("UTC", utcMs);
  }

  offsetMsAt(utcMs: number): number {
    return this.toServerMs(utcMs) - utcMs;
  }

  #unknown(clock: string, ms: number): RangeError {
    const from = dateOf(this.knownFromUtcMs, "ever");
    const until = dateOf(this.knownUntilUtcMs, "ever");
    return new RangeError(
      `Cannot convert ${dateOf(ms, String(ms))} (${clock}) as a time of this server: current ` +
        `value is a clock that is known from ${from} until ${until}`,
    );
  }
}

function dateOf(ms: number, other: string): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : other;
}
