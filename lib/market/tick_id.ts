/**
 * A tick's identity: `<ms>-<n>`, strictly increasing per symbol. The log assigns it: ms is the
 * greatest of the tick's UTC ms, the previous id's ms and the log's floor; n counts within that ms.
 */
export interface TickId {
  readonly ms: number;
  readonly n: number;
}

/** Before every tick: where a new log starts. */
export const NO_TICK: TickId = { ms: 0, n: 0 };

export function compareIds(a: TickId, b: TickId): number {
  return a.ms !== b.ms ? a.ms - b.ms : a.n - b.n;
}

/** The id that follows `previous` for a tick of `utcMs`; `floorMs` is the least ms allowed. */
export function nextId(previous: TickId, utcMs: number, floorMs = 0): TickId {
  const ms = Math.max(utcMs, previous.ms, floorMs);
  return { ms, n: ms === previous.ms ? previous.n + 1 : 0 };
}

export function formatId(id: TickId): string {
  return `${id.ms}-${id.n}`;
}

/** @throws SyntaxError when the text is not `<ms>-<n>` with safe integers. */
export function parseId(text: string): TickId {
  const match = /^(\d{1,16})-(\d{1,10})$/.exec(text);
  const ms = Number(match?.[1]), n = Number(match?.[2]);
  if (match === null || !Number.isSafeInteger(ms) || !Number.isSafeInteger(n)) {
    throw new SyntaxError(
      `Cannot read a tick id as <ms>-<n>: current value is ${JSON.stringify(text)}`,
    );
  }
  return { ms, n };
}
