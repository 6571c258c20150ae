import type { Ticks } from "../../market/tick.ts";
import type { TickId } from "../../market/tick_id.ts";
import type { Part, SymbolDay } from "./day_parts.ts";
import { readPart } from "./held_ticks.ts";

/** Ids that no part of a day has: the tick's own ms, and the next ordinal that is free in it. */
export class FreeIds {
  readonly #nextN: Map<number, number>;

  private constructor(nextN: Map<number, number>) {
    this.#nextN = nextN;
  }

  /** Looks through the day's parts for the ids of these ms, and keeps no other. */
  static async of(
    dataDir: string,
    { of, parts, ticks }: { of: SymbolDay; parts: readonly Part[]; ticks: Ticks },
  ): Promise<FreeIds> {
    const nextN = new Map<number, number>();
    for (let index = 0; index < ticks.count; index++) nextN.set(ticks.utcMs(index), 0);
    const onRow = ({ id }: { id: TickId }) => {
      const next = nextN.get(id.ms);
      if (next !== undefined && id.n >= next) nextN.set(id.ms, id.n + 1);
    };
    for (const part of parts) {
      if (part.day === of.day) await readPart(dataDir, { of, part, onRow });
    }
    return new FreeIds(nextN);
  }

  /** The first of `count` ids of this ms, which are taken with it. */
  take(ms: number, count: number): TickId {
    const n = this.#nextN.get(ms) ?? 0;
    this.#nextN.set(ms, n + count);
    return { ms, n };
  }
}
