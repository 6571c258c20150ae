import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Ticks } from "../market/tick.ts";
import type { TickId } from "../market/tick_id.ts";
import { type Run, runAfter, runEnd } from "./segments.ts";
import { guarded } from "./sqlite_schema.ts";
import type { Checkpoint } from "./tick_log.ts";

/** A checkpoint with what only the store needs. */
export interface SymbolRow extends Checkpoint {
  readonly symbol: string;
  readonly no: number;
  /** UTC ms of the tick with the greatest server stamp. */
  readonly highUtcMs: number;
  /** Ticks ever appended. */
  readonly appended: number;
  /** Grows with every change of the row. */
  readonly seq: number;
}

type Row = Record<string, unknown>;

/** The queries on an open log file, prepared once. Runs come out in the order of their ids. */
export class TickQueries {
  readonly #after: StatementSync;
  readonly #before: StatementSync;
  readonly #since: StatementSync;
  readonly #changed: StatementSync;
  readonly #next: StatementSync;
  readonly #meta: StatementSync;
  readonly #version: StatementSync;

  constructor(db: DatabaseSync) {
    const run =
      "SELECT ms, n, last_ms, last_n, count, before, records FROM ticks WHERE symbol_no = ?";
    this.#after = db.prepare(`${run} AND (last_ms, last_n) > (?, ?) ORDER BY last_ms, last_n`);
    this.#before = db.prepare(`${run} ORDER BY last_ms DESC, last_n DESC`);
    this.#since = db.prepare(
      `${run} AND last_ms >= ? AND max_server_ms >= ? ORDER BY last_ms, last_n`,
    );
    this.#changed = db.prepare("SELECT * FROM symbols WHERE seq > ?");
    this.#next = db.prepare(
      `${run} AND (last_ms, last_n) > (?, ?) ORDER BY last_ms, last_n LIMIT 1`,
    );
    this.#meta = db.prepare("SELECT value FROM meta WHERE name = ?");
    this.#version = db.prepare("PRAGMA data_version");
  }

  meta(name: string): string | undefined {
    const row = this.#meta.get(name);
    return row === undefined ? undefined : String(row.value);
  }

  /** Another number than last time: another connection has committed something. */
  dataVersion(): number {
    return Number(this.#version.get()?.data_version);
  }

  /** Every symbol that changed after `seq`; all of them after -1. */
  changedSince(seq: number): SymbolRow[] {
    return this.#changed.all(seq).map(symbolRow);
  }

  /** What lies after an id of a symbol that has more, until `maxTicks` are reached. */
  after({ no, appended }: SymbolRow, position: TickId, maxTicks: number): Run[] {
    const next = this.#next.get(no, position.ms, position.n);
    if (next === undefined) return [];
    const found = runOf(next), first = runAfter(found, position);
    const runs = first === undefined ? [] : [first];
    let ticks = first?.ticks.count ?? 0;
    // A reader that keeps up finds one run, and beginning to iterate costs more than that one did.
    if (Number(next.before) + Number(next.count) >= appended) return runs;
    if (ticks >= maxTicks) return runs;
    for (const row of this.#after.iterate(no, found.lastId.ms, found.lastId.n)) {
      const run = runOf(row);
      runs.push(run);
      ticks += run.ticks.count;
      if (ticks >= maxTicks) break;
    }
    return runs;
  }

  /** The newest `count` ticks. */
  newest(symbolNo: number, count: number): Run[] {
    const runs: Run[] = [];
    let missing = count;
    if (missing <= 0) return runs;
    for (const row of this.#before.iterate(symbolNo)) {
      const run = runEnd(runOf(row), missing);
      runs.unshift(run);
      missing -= run.ticks.count;
      if (missing <= 0) break;
    }
    return runs;
  }

  /** Runs that hold a tick stamped at or after `serverMs`, looked for from an id's ms on. */
  since(symbolNo: number, { idMs, serverMs }: { idMs: number; serverMs: number }): Run[] {
    return this.#since.all(symbolNo, idMs, serverMs).map(runOf);
  }

  /** How many of a symbol's ticks lie after an id. */
  countAfter(row: SymbolRow, id: TickId): number {
    const next = this.#next.get(row.no, id.ms, id.n);
    if (next === undefined) return 0;
    const run = runOf(next);
    const rest = runAfter(run, id);
    const done = run.ticks.count - (rest?.ticks.count ?? 0);
    return row.appended - Number(next.before) - done;
  }
}

/** Opens the queries; `undefined` while the file has no tables yet. */
export function tickQueries(db: DatabaseSync): TickQueries | undefined {
  const find = "SELECT 1 FROM sqlite_schema WHERE name = 'ticks_by_id'";
  return guarded("read the tick log", () => db.prepare(find).get() && new TickQueries(db));
}

function runOf(row: Row): Run {
  return {
    firstId: { ms: Number(row.ms), n: Number(row.n) },
    lastId: { ms: Number(row.last_ms), n: Number(row.last_n) },
    // The column is declared BLOB NOT NULL and only filled with bytes.
    ticks: new Ticks(row.records as Uint8Array),
  };
}

function symbolRow(row: Row): SymbolRow {
  return {
    symbol: String(row.symbol),
    no: Number(row.no),
    feed: String(row.feed),
    lastId: { ms: Number(row.last_ms), n: Number(row.last_n) },
    highServerMs: Number(row.high_server_ms),
    highUtcMs: Number(row.high_utc_ms),
    floorMs: Number(row.floor_ms),
    watermarkMs: Number(row.watermark_ms),
    ended: row.ended === 1,
    trimmedId: { ms: Number(row.trimmed_ms), n: Number(row.trimmed_n) },
    appended: Number(row.appended),
    seq: Number(row.seq),
  };
}

export function checkpointOf(row: SymbolRow): Checkpoint {
  const { feed, lastId, highServerMs, floorMs, watermarkMs, ended, trimmedId } = row;
  return { feed, lastId, highServerMs, floorMs, watermarkMs, ended, trimmedId };
}
