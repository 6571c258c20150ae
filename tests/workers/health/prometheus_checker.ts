export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const sampleLine =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|[+-]?[\d.]+(?:e[+-]?\d+)?)$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/**
 * Parses Prometheus' text format as strictly as Prometheus does: one HELP and TYPE a family, before
 * its samples, families not mixed, no series twice, complete histograms, a final newline.
 */
export function parsePrometheus(text: string): Sample[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("Cannot end without a newline");
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  const seen = new Set<string>();
  let family = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (types.has(name)) throw new Error(`Cannot describe ${name} twice`);
      types.set(name, "");
      family = name;
      continue;
    }
    if (kind === "TYPE") {
      if (name !== family || types.get(name) !== "") throw new Error(`Cannot place: ${line}`);
      if (!/^(counter|gauge|histogram|summary)$/.test(rest)) {
        throw new Error(`Cannot type: ${line}`);
      }
      types.set(name, rest);
      continue;
    }
    const match = sampleLine.exec(line);
    if (match === null) throw new Error(`Cannot read as a sample: ${line}`);
    const [, sampleName = "", labelText = "", value = ""] = match;
    const suffixes = /^(histogram|summary)$/.test(types.get(family) ?? "")
      ? ["", "_bucket", "_sum", "_count"]
      : [""];
    if (!suffixes.some((suffix) => sampleName === family + suffix)) {
      throw new Error(`Cannot find a sample of ${sampleName} among those of ${family}`);
    }
    const labels = parseLabels(labelText);
    const key = sampleName + JSON.stringify(Object.entries(labels).sort());
    if (seen.has(key)) throw new Error(`Cannot repeat ${line}`);
    seen.add(key);
    samples.push({ name: sampleName, labels, value: Number(value.replace("Inf", "Infinity")) });
  }
  for (const [name, type] of types) if (type === "histogram") checkHistogram(name, samples);
  return samples;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let at = 0;
  while (at < text.length) {
    label.lastIndex = at;
    const [whole, name, value] = label.exec(text) ?? [];
    if (whole === undefined || name === undefined || value === undefined) {
      throw new Error(`Cannot read labels: ${text}`);
    }
    if (name in labels) throw new Error(`Cannot repeat label ${name}`);
    labels[name] = value;
    at += whole.length;
  }
  return labels;
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const counts = samples.filter((sample) => sample.name === `${name}_count`);
  for (const count of counts) {
    const own = samples.filter((sample) =>
      sample.name === `${name}_bucket` &&
      Object.keys(sample.labels).length === Object.keys(count.labels).length + 1 &&
      Object.entries(count.labels).every(([key, value]) => sample.labels[key] === value)
    );
    const last = own.at(-1);
    if (last?.labels.le !== "+Inf" || last.value !== count.value) {
      throw new Error(`Cannot find a +Inf bucket of ${name} equal to its count`);
    }
    const values = own.map(({ value }) => value);
    if (values.some((value, i) => value < (values[i - 1] ?? 0))) {
      throw new Error(`Cannot have falling buckets in ${name}`);
    }
  }
}
