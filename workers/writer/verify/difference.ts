/**
 * `damage`: what was written is not there as it was. `gap`: nothing was written, nobody says why, and
 * the market was open. `leftover`: a file that no program uses or will finish. `note`: worth knowing,
 * and no difference.
 */
export type Severity = "damage" | "gap" | "leftover" | "note";

/** One thing that is not as it should be. */
export interface Difference {
  /** Relative to the data folder, with `/` on every system. */
  readonly path: string;
  readonly what: string;
  readonly severity: Severity;
}

/** What was found, and how much was looked at. */
export class Findings {
  readonly differences: Difference[] = [];
  files = 0;
  rows = 0;
  bars = 0;
  manifests = 0;
  bytes = 0;

  damage(path: string, what: string): void {
    this.differences.push({ path, what, severity: "damage" });
  }

  gap(path: string, what: string): void {
    this.differences.push({ path, what, severity: "gap" });
  }

  leftover(path: string, what: string): void {
    this.differences.push({ path, what, severity: "leftover" });
  }

  note(path: string, what: string): void {
    this.differences.push({ path, what, severity: "note" });
  }
}

/** Two looks found the same: what only one of them saw was somebody at work. */
export function seenTwice(
  first: readonly Difference[],
  second: readonly Difference[],
): Difference[] {
  const keyOf = ({ path, what, severity }: Difference) => `${severity} ${path} ${what}`;
  const again = new Set(second.map(keyOf));
  return first.filter((difference) => again.has(keyOf(difference)));
}
