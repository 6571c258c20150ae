import type { Segment } from "../../lib/log/tick_log.ts";
import { type Bytes, encodeRuns, type Shape } from "./frames.ts";
import { encodeQuote, encodeTicks, type TickJson } from "./tick_json.ts";

/** What decides the bytes of a turn for an audience. */
export interface Recipients {
  /** Undefined: every symbol. */
  readonly symbols: ReadonlySet<string> | undefined;
  readonly shape: Shape;
  readonly channels: ReadonlySet<string>;
}

interface Sent {
  readonly bytes: Bytes;
  readonly ticks: number;
}

/**
 * The ticks that are fanned out together. Each segment is encoded at most once, and only when
 * somebody wants it; audiences that want the same segments in the same shape share one buffer.
 */
export class Turn {
  readonly #segments: readonly Segment[];
  readonly #changedQuotes: ReadonlySet<Segment>;
  readonly #ticks: (TickJson | undefined)[] = [];
  readonly #quotes: (TickJson | undefined)[] = [];
  readonly #built = new Map<string, Sent>();

  constructor(segments: readonly Segment[], changedQuotes: ReadonlySet<Segment>) {
    this.#segments = segments;
    this.#changedQuotes = changedQuotes;
  }

  /** Everything that the recipients get; undefined when that is nothing. */
  bytesFor({ symbols, shape, channels }: Recipients): Sent | undefined {
    const wantsTicks = channels.has("ticks"), wantsQuotes = channels.has("quotes");
    let key = `${shape} ${wantsTicks} ${wantsQuotes}`, wanted = 0;
    for (const [index, segment] of this.#segments.entries()) {
      if (symbols !== undefined && !symbols.has(segment.symbol)) continue;
      if (!wantsTicks && !(wantsQuotes && this.#changedQuotes.has(segment))) continue;
      key += ` ${index}`;
      wanted++;
    }
    if (wanted === 0) return undefined;
    const built = this.#built.get(key) ?? this.#build({ symbols, shape, channels });
    this.#built.set(key, built);
    return built;
  }

  #build({ symbols, shape, channels }: Recipients): Sent {
    const runs: TickJson[] = [];
    let ticks = 0;
    for (const [index, segment] of this.#segments.entries()) {
      if (symbols !== undefined && !symbols.has(segment.symbol)) continue;
      if (channels.has("ticks")) {
        runs.push(this.#ticks[index] ??= encodeTicks(segment));
        ticks += segment.ticks.count;
      }
      if (channels.has("quotes") && this.#changedQuotes.has(segment)) {
        runs.push(this.#quotes[index] ??= encodeQuote(segment));
      }
    }
    return { bytes: encodeRuns(shape, runs, "tick"), ticks };
  }
}

/** The newest tick of a symbol as the subscriber's channels show it. */
export function newestRuns(channels: ReadonlySet<string>, newest: Segment): TickJson[] {
  const runs: TickJson[] = [];
  if (channels.has("ticks")) runs.push(encodeTicks(newest));
  if (channels.has("quotes")) runs.push(encodeQuote(newest));
  return runs;
}
