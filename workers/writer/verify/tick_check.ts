import { symbolFolder } from "../../../lib/market/symbol.ts";
import { type DayFileName, dayName, parseDayFileName } from "../../../lib/capture/day_path.ts";
import { scanDayFile } from "../../../lib/capture/day_scan.ts";
import type { TickRow } from "../../../lib/capture/tick_row.ts";
import { formatId } from "../../../lib/market/tick_id.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import type { TickRecord } from "./chain_records.ts";
import type { Findings } from "./difference.ts";
import type { ChainIndex } from "./folder_index.ts";
import { IdList, PartIds } from "./part_ids.ts";
import { Silence } from "./silence.ts";
import { compareScan, compareSize } from "./tick_compare.ts";
import type { VerifyOptions } from "./verify_options.ts";

interface Part extends DayFileName {
  readonly path: string;
}

/** Compares the tick files of one symbol with their manifests, with each other and the calendar. */
export class TickCheck {
  readonly #index: ChainIndex;
  readonly #records: readonly TickRecord[];
  readonly #byPath = new Map<string, TickRecord>();
  readonly #findings: Findings;
  readonly #options: VerifyOptions;
  readonly #silence: Silence;

  constructor(
    { index, records, findings }: {
      index: ChainIndex;
      records: readonly TickRecord[];
      findings: Findings;
    },
    options: VerifyOptions,
  ) {
    this.#index = index;
    this.#records = records;
    this.#findings = findings;
    this.#options = options;
    this.#silence = new Silence(options);
  }

  async run(): Promise<void> {
    for (const record of this.#records) this.#checkRecord(record);
    const parts: Part[] = [];
    for (const path of this.#index.csv) {
      const name = parseDayFileName(path.slice(path.lastIndexOf("/") + 1));
      if (name === undefined) this.#findings.leftover(path, "its name is of no day");
      else parts.push({ ...name, path });
    }
    this.#tellMissing();
    for (const ofDay of Map.groupBy(parts, ({ day }) => day).values()) await this.#checkDay(ofDay);
    await this.#tellSilence();
  }

  /** What a manifest says twice, and whose it says that it is. */
  #checkRecord(record: TickRecord): void {
    const { path, cycleId, manifest } = record, findings = this.#findings;
    const [file, ...more] = manifest.files;
    if (`${symbolFolder(manifest.symbol)}_TICK` !== this.#index.chain) {
      findings.damage(path, `it is of the symbol ${manifest.symbol}`);
    }
    if (file === undefined || more.length > 0) {
      return findings.damage(path, `it names ${manifest.files.length} files, and not one`);
    }
    for (const fact of ["rows", "bytes", "sha256", "first_id", "last_id"] as const) {
      if (file[fact] !== manifest[fact]) {
        findings.damage(path, `its ${fact} is ${manifest[fact]}, and of its file ${file[fact]}`);
      }
    }
    const [, suffix = ""] = /_TICK(__\d+)?$/.exec(cycleId) ?? [];
    const name = `${cycleId.slice(0, "2025-12-22".length)}${suffix}.csv`;
    if (!file.path.endsWith(`/${name}`)) {
      findings.damage(path, `it names ${file.path}, and should name ${name}`);
    }
    this.#byPath.set(file.path, record);
  }

  #tellMissing(): void {
    const there = new Set(this.#index.csv), { ready } = this.#index;
    for (const path of ready.filter((one) => one.startsWith("ticks/"))) {
      this.#findings.note(path, "a program ended before it published this: the next run will");
    }
    for (const [path, record] of this.#byPath) {
      const isReady = ready.some((one) => one.startsWith(`${path}.`));
      if (there.has(path) || isReady) continue;
      this.#findings.damage(path, `the file is missing: ${record.path} names it`);
    }
  }

  /** The last part first: what was added is gathered, what was captured is only passed by. */
  async #checkDay(parts: readonly Part[]): Promise<void> {
    const { quick } = this.#options;
    const open = parts.find(({ sealed }) => !sealed);
    const sealed = parts.filter((part) => part.sealed).sort((a, b) => b.part - a.part);
    const ids = new PartIds();
    this.#silence.beginDay(parts[0]?.day ?? 0);
    for (const part of sealed) {
      const record = this.#byPath.get(part.path);
      if (record === undefined) this.#tellUnnamed(part, open);
      if (quick && record !== undefined) await this.#checkSize(part, record);
      else if (!quick) await this.#checkRows(part, { record, ids, isLast: part === sealed.at(-1) });
    }
    if (open !== undefined) await this.#checkOpen(open, sealed);
    this.#silence.endDay();
  }

  #tellUnnamed(part: Part, open: Part | undefined): void {
    if (open === undefined) this.#findings.damage(part.path, "the manifest is missing");
    else {
      const what = "it is being sealed, or a program ended while it did: the writer will finish it";
      this.#findings.note(part.path, what);
    }
  }

  async #checkSize(part: Part, { manifest }: TickRecord): Promise<void> {
    await this.#reading(part.path, async (path) => {
      const { size } = await Deno.stat(path);
      this.#findings.files++;
      for (const what of compareSize(size, manifest)) this.#findings.damage(part.path, what);
    });
  }

  async #checkRows(
    part: Part,
    { record, ids, isLast }: { record: TickRecord | undefined; ids: PartIds; isLast: boolean },
  ): Promise<void> {
    const findings = this.#findings, own = new IdList();
    let twice = 0, firstTwice = "";
    ids.begin();
    const onRow = (row: TickRow) => {
      this.#silence.tick(row.utcMs);
      const holder = ids.holderOf(row.id);
      if (holder !== undefined && twice++ === 0) firstTwice = `${formatId(row.id)} is in ${holder}`;
      if (!isLast) own.push(row.id);
    };
    await this.#reading(part.path, async (path) => {
      const ranges = record?.manifest.gaps.map(({ from_utc, to_utc }) => ({
        fromMs: Date.parse(from_utc),
        toMs: Date.parse(to_utc),
      })) ?? [];
      const scan = await scanDayFile(path, part.day, { ranges, onRow });
      findings.files++;
      findings.rows += scan.rows;
      findings.bytes += scan.fileBytes;
      if (scan.damage !== undefined || scan.rows === 0) this.#silence.unknownDay();
      for (const what of compareScan(scan, record?.manifest)) findings.damage(part.path, what);
    });
    if (twice > 0) findings.damage(part.path, `${twice} of its ids are there twice: ${firstTwice}`);
    if (!isLast) ids.gather(part.path, own);
  }

  /** A file that grows: its last row may be torn, and what it holds is proven when it is sealed. */
  async #checkOpen(open: Part, sealed: readonly Part[]): Promise<void> {
    const captured = sealed.find(({ path }) =>
      this.#byPath.get(path)?.manifest.origin === "capture"
    );
    if (captured !== undefined) {
      const what = `${
        dayName(open.day)
      } is sealed as ${captured.name}, and its open file is still there`;
      return this.#findings.leftover(open.path, what);
    }
    if (this.#options.quick) return;
    await this.#reading(open.path, async (path) => {
      const onRow = ({ utcMs }: TickRow) => this.#silence.tick(utcMs);
      const { damage, goodBytes, rows } = await scanDayFile(path, open.day, { onRow });
      this.#findings.files++;
      this.#findings.rows += rows;
      if (damage !== undefined && !/without its end$/.test(damage)) {
        this.#findings.damage(open.path, `after byte ${goodBytes}: ${damage}`);
      }
    });
  }

  async #tellSilence(): Promise<void> {
    const { dataDir, calendars, quick } = this.#options;
    const manifest = this.#records.at(-1)?.manifest, [path] = this.#index.csv;
    if (quick || manifest === undefined || path === undefined) return;
    await this.#silence.tell({
      dataDir,
      symbol: manifest.symbol,
      folder: path.slice(0, path.lastIndexOf("/")),
      calendar: calendars.calendarOf(manifest.symbol),
      named: this.#records.flatMap(({ manifest: { gaps } }) =>
        gaps.map(({ from_utc, to_utc }) => ({
          fromMs: Date.parse(from_utc),
          toMs: Date.parse(to_utc),
        }))
      ),
      findings: this.#findings,
    });
  }

  async #reading(path: string, read: (path: string) => Promise<void>): Promise<void> {
    try {
      await read(`${this.#options.dataDir}/${path}`);
    } catch (cause) {
      this.#silence.unknownDay();
      this.#findings.damage(path, `it cannot be read: ${messageOf(cause)}`);
    }
  }
}
