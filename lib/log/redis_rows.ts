import { nextId, parseId, type TickId } from "../market/tick_id.ts";
import { type Tick, TICK_BYTES, Ticks } from "../market/tick.ts";
import type { Run } from "./segments.ts";

/**
 * A tick as a stream entry: `ts bid ask last volume flags tb`, as a person reads them: `ts` UTC
 * seconds with three decimals, `tb` the server's stamp in ms, an absent price or volume empty. A
 * tick whose bytes these fields cannot give back has one more, `raw`: its record as base64. The
 * first entry of each append also has `nth`: how many of the symbol's ticks it ends.
 */
export type StreamEntry = [id: string, fields: string[]];

/** One text a tick, which the append script takes apart: an argument each would cost nine times as much. */
export function tickTexts(ticks: Ticks, firstId: TickId): { texts: string[]; lastId: TickId } {
  const texts = new Array<string>(ticks.count);
  const scratch = Ticks.ofLength(1);
  let id = firstId;
  for (let index = 0; index < ticks.count; index++) {
    const utcMs = ticks.utcMs(index);
    if (index > 0) id = nextId(id, utcMs);
    const tick = ticks.get(index);
    scratch.set(0, tick);
    scratch.setUtcMs(0, utcMs);
    const raw = sameBytes(scratch.bytes, ticks.bytes, index * TICK_BYTES)
      ? ""
      : recordOf(ticks, index).toBase64();
    texts[index] = `${id.ms}-${id.n} ${seconds(utcMs)} ${digits(tick.bid)} ${digits(tick.ask)} ` +
      `${optional(tick.last)} ${optional(tick.volume)} ${tick.flags} ${tick.serverMs} ${raw}`;
  }
  return { texts, lastId: id };
}

/** Packs entries as they come; a run ends where the next id does not follow from the one before. */
export class RunPacker {
  readonly #ticks: Ticks;
  readonly #runs: Run[] = [];
  #count = 0;
  #from = 0;
  #firstMs = 0;
  #firstN = 0;
  #lastMs = 0;
  #lastN = 0;

  constructor(count: number) {
    this.#ticks = Ticks.ofLength(count);
  }

  /** @param tick is read at once and may be used again. */
  add(idMs: number, idN: number, { utcMs, tick }: { utcMs: number; tick: Tick }): void {
    this.#ticks.set(this.#count, tick);
    this.#ticks.setUtcMs(this.#count, utcMs);
    this.#place(idMs, idN, utcMs);
  }

  /** A tick as its packed record. */
  addRecord(idMs: number, idN: number, record: Uint8Array): void {
    this.#ticks.bytes.set(record, this.#count * TICK_BYTES);
    this.#place(idMs, idN, this.#ticks.utcMs(this.#count));
  }

  runs(): Run[] {
    if (this.#count > this.#from) this.#close();
    return this.#runs;
  }

  #place(idMs: number, idN: number, utcMs: number): void {
    if (this.#count > this.#from) {
      const ms = Math.max(this.#lastMs, utcMs);
      const n = ms === this.#lastMs ? this.#lastN + 1 : 0;
      if (idMs !== ms || idN !== n) this.#close();
    }
    if (this.#count === this.#from) {
      this.#firstMs = idMs;
      this.#firstN = idN;
    }
    this.#lastMs = idMs;
    this.#lastN = idN;
    this.#count++;
  }

  #close(): void {
    this.#runs.push({
      firstId: { ms: this.#firstMs, n: this.#firstN },
      lastId: { ms: this.#lastMs, n: this.#lastN },
      ticks: this.#ticks.slice(this.#from, this.#count),
    });
    this.#from = this.#count;
  }
}

/** Packs entries that were read as texts. */
export function runsOf(entries: readonly StreamEntry[]): Run[] {
  const packer = new RunPacker(entries.length);
  for (const [text, fields] of entries) {
    const { ms, n } = parseId(text);
    // The append script writes the fields in one order; `raw` and `nth` may follow.
    const rawAt = fields.length > 14 ? fields.indexOf("raw", 14) : -1;
    if (rawAt >= 0) {
      packer.addRecord(ms, n, Uint8Array.fromBase64(fields[rawAt + 1] ?? ""));
      continue;
    }
    const tick = {
      bid: Number(fields[3]),
      ask: Number(fields[5]),
      last: fields[7] === "" ? NaN : Number(fields[7]),
      volume: fields[9] === "" ? NaN : Number(fields[9]),
      flags: Number(fields[11]),
      serverMs: Number(fields[13]),
    };
    packer.add(ms, n, { utcMs: Math.round(Number(fields[1]) * 1000), tick });
  }
  return packer.runs();
}

/** The `nth` of an entry, if it has one. */
export function nthOf([, fields]: StreamEntry): number | undefined {
  const at = fields.indexOf("nth", 14);
  return at < 0 ? undefined : Number(fields[at + 1]);
}

function seconds(utcMs: number): string {
  return (utcMs / 1000).toFixed(3);
}

function digits(value: number): string {
  return value === 0 && Object.is(value, -0) ? "-0" : String(value);
}

function optional(value: number): string {
  return Number.isNaN(value) ? "" : digits(value);
}

function recordOf(ticks: Ticks, index: number): Uint8Array<ArrayBuffer> {
  return ticks.bytes.slice(index * TICK_BYTES, (index + 1) * TICK_BYTES);
}

function sameBytes(record: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let at = 0; at < TICK_BYTES; at++) {
    if (record[at] !== bytes[from + at]) return false;
  }
  return true;
}
