import { z } from "zod";

/** One program's metrics, as prom-client gives them and as they went through JSON. */
export interface MetricsOfProgram {
  /** Absent for what is said of the whole system. */
  readonly program?: string;
  /** Shown as a label only from 1 on. */
  readonly replica: number;
  readonly metrics: readonly unknown[];
}

const metricSchema = z.object({
  name: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/),
  help: z.string(),
  type: z.enum(["counter", "gauge", "histogram", "summary"]),
  values: z.array(z.object({
    // JSON writes NaN and the infinities as null.
    value: z.number().nullable(),
    labels: z.record(
      z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/),
      z.union([z.string(), z.number(), z.undefined()]),
    ),
    metricName: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/).optional(),
  })),
});
export type Metric = z.infer<typeof metricSchema>;

/** The metrics among unknown values; the rest is left out and counted. */
export function parseMetrics(values: readonly unknown[]): { metrics: Metric[]; refused: number } {
  const metrics: Metric[] = [];
  for (const value of values) {
    const parsed = metricSchema.safeParse(value);
    if (parsed.success) metrics.push(parsed.data);
  }
  return { metrics, refused: values.length - metrics.length };
}

interface Family {
  readonly help: string;
  readonly type: Metric["type"];
  readonly lines: string[];
}

/**
 * All programs' metrics as one text: each sample carries its program, and each name has one HELP and one
 * TYPE, of whoever comes first. A metric of the same name and another type is left out, because
 * Prometheus would refuse the whole text.
 */
export function prometheusText(programs: readonly MetricsOfProgram[]): string {
  const families = new Map<string, Family>();
  for (const { program, replica, metrics } of programs) {
    const origin = { program, replica: replica === 0 ? undefined : String(replica) };
    for (const metric of parseMetrics(metrics).metrics) {
      const family = families.get(metric.name) ??
        { help: metric.help, type: metric.type, lines: [] };
      if (family.type !== metric.type) continue;
      families.set(metric.name, family);
      for (const { labels, value, metricName } of metric.values) {
        // The origin goes last, so that no program speaks in another's name.
        const shown = labelText(program === undefined ? labels : { ...labels, ...origin });
        family.lines.push(`${metricName ?? metric.name}${shown} ${value ?? "NaN"}`);
      }
    }
  }
  return [...families].flatMap(([name, { help, type, lines }]) => [
    `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
    `# TYPE ${name} ${type}`,
    ...lines,
  ]).map((line) => `${line}\n`).join("");
}

/** The sum of a metric's samples over all programs. */
export function sumOf(name: string, programs: readonly MetricsOfProgram[]): number | undefined {
  let sum: number | undefined;
  for (const { metrics } of programs) {
    const metric = parseMetrics(metrics).metrics.find((each) => each.name === name);
    for (const { value } of metric?.values ?? []) sum = (sum ?? 0) + (value ?? 0);
  }
  return sum;
}

/** The symbols that any metric speaks of. */
export function symbolsOf(programs: readonly MetricsOfProgram[]): Set<string> {
  const symbols = new Set<string>();
  for (const { metrics } of programs) {
    for (const { values } of parseMetrics(metrics).metrics) {
      for (const { labels } of values) {
        if (labels.symbol !== undefined) symbols.add(String(labels.symbol));
      }
    }
  }
  return symbols;
}

function labelText(labels: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(labels)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
