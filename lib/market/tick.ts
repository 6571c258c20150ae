/**
 * A tick, packed: 60 bytes, little-endian, the layout of a MetaTrader 5 tick row.
 *
 * | offset | type | field                                                                  |
 * | ------ | ---- | ---------------------------------------------------------------------- |
 * | 0      | i64  | on the bridge socket: server time in seconds; in the log: UTC time in ms |
 * | 8      | f64  | bid, in the quote currency                                             |
 * | 16     | f64  | ask, in the quote currency                                             |
 * | 24     | f64  | last trade's price; NaN when the vendor has none                       |
 * | 32     | u64  | volume of the last trade, whole units                                  |
 * | 40     | i64  | server time in ms: the vendor's own stamp, never changed               |
 * | 48     | u32  | flags, the vendor's bits (BID 2, ASK 4, LAST 8, VOLUME 16, BUY 32, SELL 64 and undocumented ones) |
 * | 52     | f64  | volume with fractions; NaN when the vendor has none                    |
 *
 * Bytes 8 to 60 are the tick's payload: what the vendor said, and what two deliveries of one tick
 * have in common. Slot 0 is the only one that the collector writes.
 */
export const TICK_BYTES = 60;
const TIME = 0, BID = 8, ASK = 16, LAST = 24, VOLUME = 32, SERVER_MS = 40, FLAGS = 48;
const VOLUME_REAL = 52;
const PAYLOAD_FROM = BID;
const TWO_32 = 4294967296;

/** A tick with named fields, where one is looked at by a person or built by a source. */
export interface Tick {
  /** The server's own stamp, ms since 1970 on the server's clock. */
  readonly serverMs: number;
  readonly bid: number;
  readonly ask: number;
  /** NaN when absent. */
  readonly last: number;
  /** NaN when absent. */
  readonly volume: number;
  readonly flags: number;
}

/** Ticks of one symbol in delivery order, packed. The bytes are shared, not copied. */
export class Ticks {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly #view: DataView;

  /** @throws RangeError when the bytes are not a whole number of records. */
  constructor(bytes: Uint8Array) {
    if (bytes.byteLength % TICK_BYTES !== 0) {
      throw new RangeError(
        `Cannot read ticks as ${TICK_BYTES}-byte records: current length is ${bytes.byteLength}`,
      );
    }
    this.bytes = bytes;
    this.count = bytes.byteLength / TICK_BYTES;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  static ofLength(count: number): Ticks {
    return new Ticks(new Uint8Array(count * TICK_BYTES));
  }

  /** Packs named ticks as they travel on the bridge socket (slot 0: server seconds). */
  static from(ticks: readonly Tick[]): Ticks {
    const packed = Ticks.ofLength(ticks.length);
    ticks.forEach((tick, index) => packed.set(index, tick));
    return packed;
  }

  static concat(parts: readonly Ticks[]): Ticks {
    const first = parts[0];
    if (parts.length === 1 && first !== undefined) return first;
    const whole = Ticks.ofLength(parts.reduce((sum, part) => sum + part.count, 0));
    let at = 0;
    for (const part of parts) {
      whole.bytes.set(part.bytes, at);
      at += part.bytes.byteLength;
    }
    return whole;
  }

  set(index: number, tick: Tick): void {
    const at = index * TICK_BYTES, view = this.#view;
    writeInteger(view, at + TIME, Math.floor(tick.serverMs / 1000));
    view.setFloat64(at + BID, tick.bid, true);
    view.setFloat64(at + ASK, tick.ask, true);
    view.setFloat64(at + LAST, tick.last, true);
    writeInteger(view, at + VOLUME, tick.volume >= 0 ? Math.floor(tick.volume) : 0);
    writeInteger(view, at + SERVER_MS, tick.serverMs);
    view.setUint32(at + FLAGS, tick.flags, true);
    view.setFloat64(at + VOLUME_REAL, tick.volume, true);
  }

  get(index: number): Tick {
    return {
      serverMs: this.serverMs(index),
      bid: this.bid(index),
      ask: this.ask(index),
      last: this.last(index),
      volume: this.volume(index),
      flags: this.flags(index),
    };
  }

  /** UTC ms; meaningful only after the collector has stamped it. */
  utcMs(index: number): number {
    return readInteger(this.#view, index * TICK_BYTES + TIME);
  }

  setUtcMs(index: number, utcMs: number): void {
    writeInteger(this.#view, index * TICK_BYTES + TIME, utcMs);
  }

  serverMs(index: number): number {
    return readInteger(this.#view, index * TICK_BYTES + SERVER_MS);
  }

  bid(index: number): number {
    return this.#view.getFloat64(index * TICK_BYTES + BID, true);
  }

  ask(index: number): number {
    return this.#view.getFloat64(index * TICK_BYTES + ASK, true);
  }

  /** NaN when absent. */
  last(index: number): number {
    return this.#view.getFloat64(index * TICK_BYTES + LAST, true);
  }

  /** NaN when absent. Terminals that know only whole units leave the fractional field at 0. */
  volume(index: number): number {
    const real = this.#view.getFloat64(index * TICK_BYTES + VOLUME_REAL, true);
    return real !== 0 ? real : readInteger(this.#view, index * TICK_BYTES + VOLUME);
  }

  flags(index: number): number {
    return this.#view.getUint32(index * TICK_BYTES + FLAGS, true);
  }

  /** Ticks `from` (inclusive) to `to` (exclusive), sharing the bytes. */
  slice(from: number, to: number = this.count): Ticks {
    return new Ticks(this.bytes.subarray(from * TICK_BYTES, to * TICK_BYTES));
  }

  /** The payload as a map key: equal exactly when all 52 payload bytes are. */
  payloadKey(index: number): string {
    const from = index * TICK_BYTES + PAYLOAD_FROM, to = (index + 1) * TICK_BYTES;
    let key = "";
    for (let at = from; at < to; at += 2) {
      key += String.fromCharCode(this.#view.getUint16(at, true));
    }
    return key;
  }
}

// Numbers, not BigInt: every time and volume met here is below 2^53, and a BigInt a tick is garbage.
function readInteger(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getInt32(at + 4, true) * TWO_32;
}

function writeInteger(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / TWO_32), true);
}
