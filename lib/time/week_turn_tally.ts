import type { WeekTurn } from "./week_turns.ts";

/** Two a week for eight years; the oldest go first. */
const MOST_WEEKS = 420;

/** What several symbols say of each weekend; the majority counts, a tie says nothing. */
export class WeekTurnTally {
  readonly #weeks = new Map<number, Map<string, WeekTurn>>();

  /** The last word of a symbol on a weekend counts. Whether anything was new. */
  add(symbol: string, turns: readonly WeekTurn[]): boolean {
    let changed = false;
    for (const turn of turns) {
      const voices = this.#weeks.get(turn.openUtcMs) ?? new Map<string, WeekTurn>();
      const before = voices.get(symbol);
      changed ||= before?.openOffsetMs !== turn.openOffsetMs ||
        before?.closeOffsetMs !== turn.closeOffsetMs;
      voices.set(symbol, turn);
      this.#weeks.set(turn.openUtcMs, voices);
    }
    const oldest = [...this.#weeks.keys()].sort((a, b) => a - b);
    for (const week of oldest.slice(0, Math.max(0, oldest.length - MOST_WEEKS))) {
      this.#weeks.delete(week);
    }
    return changed;
  }

  /** Oldest first. */
  turns(): WeekTurn[] {
    return [...this.#weeks.values()].flatMap((voices) => {
      const all = [...voices.values()];
      const [first] = all;
      return first === undefined ? [] : [{
        openUtcMs: first.openUtcMs,
        closeUtcMs: first.closeUtcMs,
        openOffsetMs: majority(all.map(({ openOffsetMs }) => openOffsetMs)),
        closeOffsetMs: majority(all.map(({ closeOffsetMs }) => closeOffsetMs)),
      }];
    }).sort((a, b) => a.openUtcMs - b.openUtcMs);
  }
}

function majority(offsets: readonly (number | undefined)[]): number | undefined {
  const counts = new Map<number, number>();
  for (const offset of offsets) {
    if (offset !== undefined) counts.set(offset, (counts.get(offset) ?? 0) + 1);
  }
  const [most, second] = [...counts].sort(([, a], [, b]) => b - a);
  return most === undefined || most[1] === second?.[1] ? undefined : most[0];
}
