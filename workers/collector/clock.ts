import { parseArgs } from "node:util";
import { messageOf } from "../../lib/program/errors.ts";
import { environment, readSettings, settingNames } from "../../lib/program/settings.ts";
import { dataDir, dataDirOf, dataKind } from "../../lib/program/shared_settings.ts";
import { readServerClocks, serverClockPath } from "../../lib/time/server_clock_file.ts";
import { ClockLearning } from "../../lib/time/server_clock_learning.ts";
import type { ClockRecord, Interval } from "../../lib/time/server_clock_record.ts";
import { defaultCandidates } from "../../lib/time/server_clock_rules.ts";
import { type ClockVerdict, offsetText, verdictOf } from "../../lib/time/server_clock_words.ts";
import { parseServerZone } from "../../lib/time/server_zone.ts";

/** `deno task clock`: what a data folder knows of its servers' clocks, in words. It only reads. */

const HELP = `deno task clock [--data-dir FOLDER] [--json] [--bars FILE.csv]
  --data-dir  the data folder (default: DATA_DIR)
  --json      for machines
  --bars      one-hour bars of a major pair on a server's clock (an export of MetaTrader, or one
              of our own files): what they alone say; nothing is written`;

/** Invented and recorded sources state their clock: only a captured folder has a ledger. */
const settings = { dataDir, dataKind: { ...dataKind, fallback: "raw" } };
const DAY_MS = 86_400_000;

interface Told {
  readonly intervals: readonly Interval[];
  readonly verdict: ClockVerdict;
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      "data-dir": { type: "string" },
      json: { type: "boolean", default: false },
      bars: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const folder = values["data-dir"] ??
    dataDirOf(readSettings(settings, environment(settingNames(settings))));
  const told = values.bars === undefined
    ? await tellLedger(folder)
    : new Map([[values.bars, tellBars(await Deno.readTextFile(values.bars))]]);
  if (values.json) return console.log(JSON.stringify(Object.fromEntries(told), null, 2));
  if (told.size === 0) {
    return console.log(`${serverClockPath(folder)}: no server's clock has been learned yet.`);
  }
  console.log([...told].map(([server, it]) => inWords(server, it)).join("\n\n"));
}

async function tellLedger(folder: string): Promise<Map<string, Told>> {
  const records = await readServerClocks(folder);
  return new Map([...records].map(([server, record]) => [server, tellRecord(record)]));
}

function tellRecord(record: ClockRecord): Told {
  const last = record.intervals.at(-1);
  const learning = learningOf(record, Date.now(), last?.source === "override" ? last.rule : "");
  return { intervals: record.intervals, verdict: verdictOf(learning.standing()) };
}

function tellBars(text: string): Told {
  const opens = barOpens(text);
  const lastMs = opens.reduce((most, ms) => Math.max(most, ms), -Infinity);
  if (opens.length === 0) {
    throw new SyntaxError("Cannot read the file as one-hour bars: current value has no bar in it");
  }
  const learning = learningOf(undefined, lastMs + DAY_MS, "");
  learning.learnFromHistory("bars", opens);
  return { intervals: [], verdict: verdictOf(learning.standing()) };
}

function learningOf(
  record: ClockRecord | undefined,
  nowUtcMs: number,
  override: string,
): ClockLearning {
  return new ClockLearning(record, {
    override: override === "" ? undefined : parseServerZone(override),
    candidates: defaultCandidates(),
    nowUtcMs,
    minApartMs: 0,
    closedApartMs: 0,
    minContradictionMs: 0,
  });
}

/** Lines that begin with a date and time, or with epoch seconds; others are no bars. */
function barOpens(text: string): number[] {
  const lines = text.split(/\r?\n/);
  const header = (lines[0] ?? "").split(/[,;\t]/);
  const column = Math.max(0, header.indexOf("timestamp_broker"));
  return lines.flatMap((line) => {
    const cell = line.split(/[,;\t]/).slice(column).join(",");
    const date = /^(\d{4})[.-]?(\d\d)[.-]?(\d\d)[ T,](\d\d):(\d\d)/.exec(cell);
    if (date !== null) {
      const [, year, month, day, hour, minute] = date;
      return [Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`)];
    }
    const seconds = /^(\d{9,10})(,|$)/.exec(cell);
    return seconds === null ? [] : [Number(seconds[1]) * 1000];
  });
}

function inWords(server: string, { intervals, verdict }: Told): string {
  const { evidence, candidates } = verdict;
  const residuals = evidence.residual_seconds;
  return [
    `${server}: ${verdict.state.replace("_", " ")}`,
    `  ${verdict.message}`,
    ...intervals.map(({ fromUtcMs, toUtcMs, rule, survivors, source }) =>
      `  ${dateOf(fromUtcMs)} to ${toUtcMs === Infinity ? "now" : dateOf(toUtcMs)}: ${rule} (${
        source === "override" ? "BROKER_TZ" : source
      })${survivors.length > 1 ? `, or one of ${survivors.slice(1).join(", ")}` : ""}`
    ),
    `  Live ticks: ${evidence.samples}${
      residuals === null ? "" : `, ${residuals[0]} to ${residuals[1]} s off`
    }${
      evidence.observed.slice(-4).map((run) =>
        `; ${offsetText(run.offsetMs)} from ${dateOf(run.fromUtcMs)} to ${dateOf(run.toUtcMs)}`
      ).join("")
    }`,
    `  Weekends in bars: ${evidence.weeks}${
      evidence.votes.slice(0, 2).map((vote) =>
        `; of the weeks' ${vote.turn}s ${vote.weeks_for} speak for ${vote.winner} and ` +
        `${vote.weeks_against} for ${vote.loser}`
      ).join("")
    }`,
    ...(candidates.length > 1 ? [`  Undecided: ${candidates.length} rules are possible.`] : []),
    "  BROKER_TZ=<zone>[±<hours>h] states the rule instead, e.g. America/New_York+7h.",
  ].join("\n");
}

function dateOf(utcMs: number): string {
  return new Date(utcMs).toISOString().slice(0, 16) + "Z";
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (cause) {
    console.error(messageOf(cause));
    Deno.exitCode = 1;
  }
}
