import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { NO_TICK, type TickId } from "../market/tick_id.ts";
import { highOf, type Run } from "./segments.ts";
import type { SymbolRow } from "./tick_log_sqlite_file.ts";

type Row = Record<string, unknown>;

/** What the appender writes into the log file. Each is a step of a transaction that the caller runs. */
export class TickWrites {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  insertSymbol(symbol: string, feed: string): SymbolRow {
    const { lastInsertRowid } = this.#statement(`INSERT INTO symbols (symbol, feed, last_ms, last_n,
      high_server_ms, high_utc_ms, floor_ms, watermark_ms, ended, trimmed_ms, trimmed_n, appended, seq)
      VALUES (?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`).run(symbol, feed);
    return {
      symbol,
      no: Number(lastInsertRowid),
      feed,
      lastId: NO_TICK,
      highServerMs: 0,
      highUtcMs: 0,
      floorMs: 0,
      watermarkMs: 0,
      ended: false,
      trimmedId: NO_TICK,
      appended: 0,
      seq: 0,
    };
  }

  updateSymbol(row: SymbolRow): void {
    this.#run(
      `UPDATE symbols SET last_ms = ?, last_n = ?, high_server_ms = ?, high_utc_ms = ?, floor_ms = ?,
       watermark_ms = ?, ended = ?, trimmed_ms = ?, trimmed_n = ?, appended = ?, seq = ? WHERE no = ?`,
      [row.lastId.ms, row.lastId.n, row.highServerMs, row.highUtcMs, row.floorMs, row.watermarkMs],
      [Number(row.ended), row.trimmedId.ms, row.trimmedId.n, row.appended, row.seq, row.no],
    );
  }

  /** @returns the row as it is with these ticks. */
  insertRun(row: SymbolRow, { firstId, lastId, ticks }: Run, seq: number): SymbolRow {
    const high = highOf(ticks);
    this.#run(
      `INSERT INTO ticks (seq, symbol_no, ms, n, last_ms, last_n, count, before, max_server_ms, records)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [seq, row.no, firstId.ms, firstId.n, lastId.ms, lastId.n],
      [ticks.count, row.appended, high.serverMs, ticks.bytes],
    );
    const higher = high.serverMs > row.highServerMs || row.appended === 0;
    return {
      ...row,
      lastId,
      seq,
      highServerMs: higher ? high.serverMs : row.highServerMs,
      highUtcMs: higher ? high.utcMs : row.highUtcMs,
      appended: row.appended + ticks.count,
      ended: false,
    };
  }

  /** The oldest runs of a symbol, without their ticks. */
  oldest(symbolNo: number, count: number): Row[] {
    return this.#statement(`SELECT last_ms, last_n, count, before, max_server_ms FROM ticks
      WHERE symbol_no = ? ORDER BY last_ms, last_n LIMIT ?`).all(symbolNo, count);
  }

  deleteUpTo(symbolNo: number, { ms, n }: TickId): void {
    this.#run("DELETE FROM ticks WHERE symbol_no = ? AND (last_ms, last_n) <= (?, ?)", [
      symbolNo,
      ms,
      n,
    ]);
  }

  /** Deletes a symbol's ticks; what follows is another feed's, or of a later time. */
  forget(symbolNo: number, feed: string): void {
    this.#run("DELETE FROM ticks WHERE symbol_no = ?", [symbolNo]);
    this.#run("UPDATE symbols SET feed = ? WHERE no = ?", [feed, symbolNo]);
  }

  setMeta(name: string, value: string): void {
    this.#run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", [name, value]);
  }

  /** A write that changes nothing, for a transaction that only waits for the disk. */
  touch(): void {
    this.#run("UPDATE meta SET value = value WHERE name = 'kind'");
  }

  #statement(sql: string) {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }

  #run(sql: string, ...values: readonly SQLInputValue[][]): void {
    this.#statement(sql).run(...values.flat());
  }
}
