import { symbolFolder } from "../../../lib/market/symbol.ts";
import { type Timeframe, TIMEFRAMES } from "../../../lib/market/timeframe.ts";
import type { Bar } from "../../../lib/market/bar.ts";
import type { BarFile } from "../../../lib/capture/bars/bar_file.ts";
import {
  type BarFileName,
  byPeriod,
  parseBarFileName,
} from "../../../lib/capture/bars/bar_path.ts";
import { decodeBars } from "../../../lib/capture/bars/bar_row.ts";
import { sha256Of } from "../../../lib/capture/chain.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { missingBars } from "./bar_gaps.ts";
import { misplacedBar } from "./bar_places.ts";
import type { BarRecord } from "./chain_records.ts";
import type { Findings } from "./difference.ts";
import type { ChainIndex } from "./folder_index.ts";
import type { VerifyOptions } from "./verify_options.ts";

interface Version extends BarFileName {
  readonly path: string;
}

/** Compares the bar files of one series with the records of its cycles, its grid and the calendar. */
export class BarCheck {
  readonly #index: ChainIndex;
  readonly #records: readonly BarRecord[];
  readonly #timeframe: Timeframe;
  readonly #findings: Findings;
  readonly #options: VerifyOptions;
  /** What proves a file: the newest record that names it. */
  readonly #byPath = new Map<string, BarFile>();
  /** The opens of the versions that count, with the server's offset at each. */
  readonly #opens: { utcMs: number; offsetMs: number }[] = [];

  constructor(
    { index, records, findings }: {
      index: ChainIndex;
      records: readonly BarRecord[];
      findings: Findings;
    },
    options: VerifyOptions,
  ) {
    this.#index = index;
    this.#records = inChainOrder(records);
    // The index has chains of known timeframes only.
    const label = index.chain.slice(index.chain.lastIndexOf("_") + 1);
    this.#timeframe = Object.values(TIMEFRAMES).find((one) => one.label === label) ??
      TIMEFRAMES["1MIN"];
    this.#findings = findings;
    this.#options = options;
  }

  async run(): Promise<void> {
    for (const record of this.#records) this.#checkRecord(record);
    const versions: Version[] = [];
    for (const path of this.#index.csv) {
      const name = parseBarFileName(path.slice(path.lastIndexOf("/") + 1), this.#timeframe);
      if (name === undefined) this.#findings.leftover(path, "its name is of no period");
      else versions.push({ ...name, path });
    }
    const folders = Map.groupBy(versions, ({ path }) => path.slice(0, path.lastIndexOf("/")));
    for (const ofFolder of folders.values()) {
      for (const ofPeriod of byPeriod(ofFolder).values()) {
        // Grouping gives back what was put in.
        await this.#checkPeriod(ofPeriod as Version[]);
      }
    }
    this.#tellMissingFiles(versions);
    if (!this.#options.quick) this.#tellMissingBars();
  }

  #checkRecord({ path, cycle }: BarRecord): void {
    const { symbol, timeframe, files } = cycle;
    if (`${symbolFolder(symbol)}_${timeframe}` !== this.#index.chain) {
      this.#findings.damage(path, `it is of ${symbol} ${timeframe}`);
    }
    for (const file of files) this.#byPath.set(file.path, file);
  }

  /** Of several versions the last counts; each names the one whose place it takes. */
  async #checkPeriod(versions: readonly Version[]): Promise<void> {
    const ordered = [...versions].sort((a, b) =>
      Number(a.sealed) - Number(b.sealed) || a.part - b.part
    );
    const last = ordered.at(-1), findings = this.#findings;
    for (const [index, version] of ordered.filter(({ sealed }) => sealed).entries()) {
      if (version.part !== index && index === 0) {
        findings.damage(version.path, "the file that it supersedes is missing");
      }
    }
    for (const version of ordered) {
      if (!version.sealed && version !== last) {
        findings.leftover(version.path, "its period is sealed, and the open file is still there");
        continue;
      }
      const file = this.#byPath.get(version.path);
      if (file === undefined) this.#tellUnnamed(version);
      this.#checkSuperseded(version, { file, versions });
      const bars = await this.#checkFile(version, file);
      if (version !== last) continue;
      for (const { utcMs, serverMs } of bars) {
        this.#opens.push({ utcMs, offsetMs: serverMs - utcMs });
      }
    }
  }

  #tellUnnamed({ path }: Version): void {
    if (this.#index.ready.some((ready) => ready.endsWith("/unrecorded.json"))) {
      this.#findings.note(path, "it is about to be recorded, or a program ended while it did that");
    } else {
      this.#findings.damage(path, "no record of a cycle names it");
    }
  }

  #checkSuperseded(
    { path, part, period, sealed }: Version,
    { file, versions }: { file: BarFile | undefined; versions: readonly Version[] },
  ): void {
    if (!sealed || part === 0) return;
    const before = versions.find((one) => one.sealed && one.part === part - 1);
    if (before === undefined) {
      this.#findings.damage(path, `part ${part - 1} of ${period.name}, before it, is missing`);
    } else if (file !== undefined && file.supersedes !== before.path) {
      this.#findings.damage(path, `it supersedes ${file.supersedes}, and follows ${before.path}`);
    }
  }

  async #checkFile(version: Version, file: BarFile | undefined): Promise<readonly Bar[]> {
    const findings = this.#findings, { path } = version;
    try {
      const fullPath = `${this.#options.dataDir}/${path}`;
      if (this.#options.quick) {
        const { size } = await Deno.stat(fullPath);
        findings.files++;
        if (file !== undefined && size !== file.bytes) {
          findings.damage(path, `bytes ${size}, in the record ${file.bytes}`);
        }
        return [];
      }
      const bytes = await Deno.readFile(fullPath);
      findings.files++;
      findings.bytes += bytes.length;
      const bars = decodeBars(bytes, { path });
      findings.bars += bars.length;
      if (bars.length === 0) findings.damage(path, "it has no bars");
      const misplaced = misplacedBar(bars, { timeframe: this.#timeframe, period: version.period });
      if (misplaced !== undefined) findings.damage(path, misplaced);
      this.#compare(path, { bytes, bars, file });
      return bars;
    } catch (cause) {
      findings.damage(path, `it cannot be read: ${messageOf(cause)}`);
      return [];
    }
  }

  #compare(
    path: string,
    { bytes, bars, file }: { bytes: Uint8Array; bars: readonly Bar[]; file: BarFile | undefined },
  ): void {
    if (file === undefined) return;
    const differ = (name: string, actual: string | number, expected: string | number) => {
      if (actual !== expected) {
        this.#findings.damage(path, `${name} ${actual}, in the record ${expected}`);
      }
    };
    differ("bytes", bytes.length, file.bytes);
    differ("rows", bars.length, file.rows);
    differ("sha256", sha256Of(bytes), file.sha256);
    differ("first open", isoOf(bars[0]), file.first_open_utc);
    differ("last open", isoOf(bars.at(-1)), file.last_open_utc);
  }

  /** An open file goes when its period is sealed, and every other file stays. */
  #tellMissingFiles(versions: readonly Version[]): void {
    const there = new Set(versions.map(({ path }) => path));
    const isSealed = (path: string) => there.has(path.replace(/\.open$/, ""));
    for (const path of this.#byPath.keys()) {
      if (there.has(path) || (path.endsWith(".open") && isSealed(path))) continue;
      this.#findings.damage(path, "the file is missing: a record names it");
    }
  }

  #tellMissingBars(): void {
    const record = this.#records.at(-1), [path] = this.#index.csv;
    if (record === undefined || path === undefined) return;
    const folder = path.slice(0, path.lastIndexOf("/"));
    const missing = missingBars({
      timeframe: this.#timeframe,
      calendar: this.#options.calendars.calendarOf(record.cycle.symbol),
      cycles: this.#records.map(({ cycle }) => cycle),
      opens: this.#opens.sort((a, b) => a.utcMs - b.utcMs),
    });
    for (const what of missing.gaps) this.#findings.gap(folder, what);
    for (const what of missing.notes) this.#findings.note(folder, what);
  }
}

function isoOf(bar: Bar | undefined): string {
  return bar === undefined ? "none" : new Date(bar.utcMs).toISOString();
}

/**
 * Oldest first by who follows whom, because a clock may have been set back. Where the chain is broken,
 * the stretch that was written last comes last.
 */
function inChainOrder(records: readonly BarRecord[]): BarRecord[] {
  const left = new Map(records.map((record) => [record.cycleId, record]));
  const followed = new Set(records.map(({ previous }) => previous?.cycle_id));
  const ends = records.filter(({ cycleId }) => !followed.has(cycleId))
    .sort((a, b) => a.cycle.written_at < b.cycle.written_at ? 1 : -1);
  const ordered: BarRecord[] = [];
  for (const end of ends) {
    for (let at: BarRecord | undefined = end; at !== undefined;) {
      left.delete(at.cycleId);
      ordered.push(at);
      at = left.get(at.previous?.cycle_id ?? "");
    }
  }
  return ordered.reverse();
}
