import { momentOf } from "../events.ts";
import type { Plan, WorkUnit } from "../plan.ts";

/** What `--dry-run` shows: a line for each symbol and timeframe. */
export function planText(source: string, { work }: Plan): string {
  const lines = work.flatMap(({ units }) =>
    seriesOf(units).map(({ symbol, timeframe, fromMs, toMs, expected, reads }) =>
      `  ${symbol.padEnd(12)} ${timeframe.label.padEnd(5)} ${momentOf(fromMs)} to ${
        momentOf(toMs)
      }` +
      `  ${expected} bars, reads: ${reads}`
    )
  );
  return [`${source}: ${lines.length === 0 ? "nothing to read" : "would read"}`, ...lines].join(
    "\n",
  );
}

/** The same as one object for machines. */
export function planJson(source: string, { work }: Plan): string {
  const series = work.flatMap(({ units }) =>
    seriesOf(units).map(({ symbol, timeframe, fromMs, toMs, expected, reads }) => ({
      symbol,
      timeframe: timeframe.label,
      from_utc: new Date(fromMs).toISOString(),
      to_utc: new Date(toMs).toISOString(),
      bars_expected: expected,
      reads,
    }))
  );
  return JSON.stringify({ event: "dry_run", source, series });
}

type SeriesPlan = WorkUnit & { readonly reads: number };

function seriesOf(units: readonly WorkUnit[]): SeriesPlan[] {
  return [...Map.groupBy(units, ({ timeframe }) => timeframe).values()].flatMap((of) => {
    const [first] = of, last = of.at(-1);
    if (first === undefined || last === undefined) return [];
    const expected = of.reduce((sum, unit) => sum + unit.expected, 0);
    return [{ ...first, toMs: last.toMs, expected, reads: of.length }];
  });
}
