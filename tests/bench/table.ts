/** The bench's output, for people: a table in Markdown. */

export interface Row {
  readonly measure: string;
  /** The pipeline that the project replaces, as measured on such a machine. */
  readonly alternative: string;
  readonly target: string;
  readonly here: string;
}

export function printTable(rows: readonly Row[]): void {
  console.log("| measure | the alternative | target | here |\n| --- | --- | --- | --- |");
  for (const { measure, alternative, target, here } of rows) {
    console.log(`| ${measure} | ${alternative} | ${target} | ${here} |`);
  }
}

export function machineLine(): string {
  const model = Deno.build.os === "linux"
    ? /model name\s*:\s*(.*)/.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? "unknown"
    : "unknown processor";
  return `${navigator.hardwareConcurrency} cores, ${model}, Deno ${Deno.version.deno}`;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The nearest-rank quantile. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? NaN;
}
