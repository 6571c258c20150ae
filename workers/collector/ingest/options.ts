import { parseArgs } from "node:util";
import { z } from "zod";
import { integer, list, number } from "../../../lib/program/settings.ts";
import { parseTimeframe, type Timeframe, TIMEFRAME_LABELS } from "../../../lib/market/timeframe.ts";

const path = z.string().min(1, "expected a path");

const timeframes: z.ZodType<Timeframe[], string> = list.transform((names, context) => {
  const known = names.map((name) => parseTimeframe(name));
  const unknown = names.filter((_, index) => known[index] === undefined);
  if (unknown.length === 0 && names.length > 0) {
    return [...new Set(known.filter((timeframe) => timeframe !== undefined))];
  }
  const message = `expected some of ${TIMEFRAME_LABELS.join(", ")}, not ${unknown.join(", ")}`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** A date is its first moment in UTC; a time without a zone would be anybody's. */
const instant: z.ZodType<number, string> = z.union(
  [z.iso.date(), z.iso.datetime({ offset: true })],
  {
    error: "expected a date such as 2025-12-22 or a time such as 2025-12-22T09:45:00Z",
  },
).transform((text) => Date.parse(text));

const OPTIONS = {
  env: path.optional(),
  "output-dir": path.optional(),
  timeframes: timeframes.default(() => defaultTimeframes()),
  symbols: list.pipe(z.array(z.string()).min(1, "expected names separated by commas")).optional(),
  workers: integer({ min: 1, max: 64 }).default(4),
  "history-days": integer({ min: 1, max: 36_600 }).default(365),
  "rate-limit": number({ min: 0, max: 3600 }).default(0.05),
  from: instant.optional(),
  to: instant.optional(),
} as const;

const FLAGS = [
  ...["universe-only", "discover", "tick-logging", "parquet", "resume", "ticks", "json"] as const,
  ...["dry-run", "help"] as const,
];
type Flag = (typeof FLAGS)[number];

type Values = { readonly [K in keyof typeof OPTIONS]: z.infer<(typeof OPTIONS)[K]> };
type Flags = { readonly [K in Flag]: boolean };

/** What the command line asks for; times are UTC ms, `[from, to)`. */
export type IngestOptions = Values & Flags;

/** Arguments that cannot be used: every one of them, by name and value. */
export class OptionsError extends Error {
  override readonly name = "OptionsError";
}

/** @throws OptionsError that names every wrong option at once. */
export function parseOptions(args: readonly string[]): IngestOptions {
  const { texts, flags, problems } = split(args);
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(OPTIONS)) {
    const parsed = schema.safeParse(texts.get(name));
    if (parsed.success) values[name] = parsed.data;
    else {
      const reason = parsed.error.issues.map(({ message }) => message).join(", ");
      problems.push(wrong(`--${name}`, reason, texts.get(name)));
    }
  }
  // Each value was parsed by the schema of its name.
  const options = { ...values, ...flags } as IngestOptions;
  if (problems.length === 0) problems.push(...contradictions(options, texts));
  if (problems.length > 0) throw new OptionsError(problems.join("\n"));
  return options;
}

function contradictions(options: IngestOptions, texts: ReadonlyMap<string, string>): string[] {
  const { from, to, ticks } = options, found: string[] = [];
  if (from !== undefined && to !== undefined && from >= to) {
    found.push(wrong("--to", `expected a time after --from ${texts.get("from")}`, texts.get("to")));
  }
  if (ticks && (from === undefined || to === undefined)) {
    const missing = from === undefined ? "--from" : "--to";
    found.push(wrong(missing, "--ticks needs --from and --to", undefined));
  }
  if (ticks && options["tick-logging"]) {
    found.push("Cannot use --tick-logging with --ticks: each is a run of its own");
  }
  if (options["universe-only"] && (ticks || options["tick-logging"] || options.resume)) {
    found.push(
      "Cannot use --universe-only with --ticks, --tick-logging or --resume: it reads none",
    );
  }
  return found;
}

interface Split {
  readonly texts: ReadonlyMap<string, string>;
  readonly flags: Flags;
  readonly problems: string[];
}

/** Names and values as they were given; what is wrong with one does not hide the next. */
function split(args: readonly string[]): Split {
  const isFlag = (name: string): name is Flag => FLAGS.some((flag) => flag === name);
  const { tokens } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, { type: "string" }])),
      ...Object.fromEntries(FLAGS.map((name) => [name, { type: "boolean" }])),
    },
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  const texts = new Map<string, string>(), problems: string[] = [], given = new Set<Flag>();
  for (const token of tokens) {
    if (token.kind === "positional") {
      problems.push(wrong("an argument", "expected options only", token.value));
    }
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    if (isFlag(name)) {
      if (value === undefined) given.add(name);
      else problems.push(wrong(rawName, "expected no value", value));
    } else if (!(name in OPTIONS)) {
      problems.push(`Cannot read ${rawName}: there is no such option`);
    } else if (value === undefined || !token.inlineValue && value.startsWith("--")) {
      problems.push(wrong(rawName, "expected a value", value));
    } else if (texts.has(name)) {
      problems.push(wrong(rawName, "expected it once", value));
    } else {
      texts.set(name, value.trim());
    }
  }
  const flags = Object.fromEntries(FLAGS.map((flag) => [flag, given.has(flag)])) as Flags;
  return { texts, flags, problems };
}

function wrong(name: string, reason: string, value: string | undefined): string {
  const shown = value === undefined ? "none" : JSON.stringify(value);
  return `Cannot read ${name}: ${reason}: current value is ${shown}`;
}

function defaultTimeframes(): Timeframe[] {
  return ["1H", "4H", "1D"].flatMap((label) => parseTimeframe(label) ?? []);
}
