import type { Tick } from "../market/tick.ts";
import { RunPacker } from "./redis_rows.ts";
import type { Run } from "./segments.ts";

/** What an XREAD brought of one stream. */
export interface StreamRuns {
  readonly stream: string;
  /** Entries, to compare with the COUNT asked for. */
  readonly count: number;
  readonly runs: Run[];
}

type Reply = readonly StreamRuns[] | Error;

const CR = 13, DOLLAR = 36, STAR = 42, PLUS = 43, MINUS = 45, DOT = 46, ZERO = 48, COLON = 58;
const LETTER_R = 114;
/** Below 10^15 every mantissa is exact, and a quotient by an exact power of ten is rounded once. */
const EXACT_DIGITS = 15;
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);
const NOTHING = new Uint8Array(0);
const latin1 = new TextDecoder("latin1"), utf8 = new TextDecoder();

/**
 * Takes the replies to XREAD (RESP2) apart as their bytes arrive, straight into packed ticks. A
 * general client makes a string of each of the sixteen parts of an entry, which costs eight times
 * what Redis needs to send them: 110,000 ticks a second against more than 500,000 this way.
 */
export class TickReplies {
  readonly #onReply: (reply: Reply) => void;
  #bytes: Uint8Array = NOTHING;
  /** Where the first part that has not been taken begins. */
  #from = 0;
  /** Where reading is, inside that part. */
  #at = 0;
  #streams: StreamRuns[] = [];
  #streamsLeft = 0;
  #entriesLeft = 0;
  #stream = "";
  #count = 0;
  #packer = new RunPacker(0);
  #blobFrom = 0;
  #blobTo = 0;
  readonly #tick: { -readonly [Field in keyof Tick]: Tick[Field] } = {
    serverMs: 0,
    bid: 0,
    ask: 0,
    last: 0,
    volume: 0,
    flags: 0,
  };

  /** @param onReply is called with each whole reply, in order; an Error is what Redis refused. */
  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  /** @throws SyntaxError when the bytes are no such reply; nothing after them can be understood. */
  feed(chunk: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : joined(this.#bytes, chunk);
    this.#from = 0;
    while (this.#from < this.#bytes.length) {
      this.#at = this.#from;
      const whole = this.#entriesLeft > 0
        ? this.#takeEntry()
        : this.#streamsLeft > 0
        ? this.#takeStreamHead()
        : this.#takeReplyHead();
      if (!whole) break;
      this.#from = this.#at;
    }
    // A copy, so that the few bytes of a torn part do not keep the whole chunk.
    this.#bytes = this.#from === this.#bytes.length ? NOTHING : this.#bytes.slice(this.#from);
  }

  #takeReplyHead(): boolean {
    const type = this.#bytes[this.#at], end = this.#bytes.indexOf(CR, this.#at);
    if (end < 0 || end + 1 >= this.#bytes.length) return false;
    const text = utf8.decode(this.#bytes.subarray(this.#at + 1, end));
    this.#at = end + 2;
    if (type === MINUS) {
      this.#onReply(new Error(text));
    } else if (type === STAR) {
      this.#streamsLeft = Math.max(0, Number(text));
      if (this.#streamsLeft === 0) this.#onReply([]);
    } else if (type !== PLUS && type !== COLON) {
      throw new SyntaxError(`Cannot read ticks as the reply to XREAD: current text is ${text}`);
    }
    return true;
  }

  #takeStreamHead(): boolean {
    if (this.#length(STAR) < 0 || !this.#blob()) return false;
    const stream = utf8.decode(this.#bytes.subarray(this.#blobFrom, this.#blobTo));
    const count = this.#length(STAR);
    if (count < 0) return false;
    this.#stream = stream;
    this.#count = this.#entriesLeft = count;
    this.#packer = new RunPacker(count);
    if (count === 0) this.#endStream();
    return true;
  }

  #takeEntry(): boolean {
    if (this.#length(STAR) < 0 || !this.#blob()) return false;
    const dash = this.#bytes.indexOf(MINUS, this.#blobFrom);
    const idMs = this.#integer(this.#blobFrom, dash), idN = this.#integer(dash + 1, this.#blobTo);
    const fields = this.#length(STAR);
    if (fields < 0) return false;
    const tick = this.#tick;
    let utcMs = 0, record: Uint8Array | undefined;
    // The append script writes the fields in one order; `raw` and `nth` may follow.
    for (let field = 0; field < fields / 2; field++) {
      if (!this.#blob()) return false;
      const isRaw = field > 6 && this.#bytes[this.#blobFrom] === LETTER_R;
      if (!this.#blob()) return false;
      if (field === 0) utcMs = this.#milliseconds();
      else if (field === 1) tick.bid = this.#number();
      else if (field === 2) tick.ask = this.#number();
      else if (field === 3) tick.last = this.#number();
      else if (field === 4) tick.volume = this.#number();
      else if (field === 5) tick.flags = this.#number();
      else if (field === 6) tick.serverMs = this.#number();
      else if (isRaw) record = Uint8Array.fromBase64(this.#text());
    }
    if (record === undefined) this.#packer.add(idMs, idN, { utcMs, tick });
    else this.#packer.addRecord(idMs, idN, record);
    if (--this.#entriesLeft === 0) this.#endStream();
    return true;
  }

  #endStream(): void {
    this.#streams.push({ stream: this.#stream, count: this.#count, runs: this.#packer.runs() });
    if (--this.#streamsLeft > 0) return;
    const streams = this.#streams;
    this.#streams = [];
    this.#onReply(streams);
  }

  /** The number of a line such as `*14`, and past it; -1 while the line is not whole. */
  #length(type: number): number {
    const bytes = this.#bytes, length = bytes.length;
    let at = this.#at, value = 0;
    if (at >= length) return -1;
    if (bytes[at] !== type) {
      const found = String.fromCharCode(bytes[at] ?? 0);
      throw new SyntaxError(`Cannot read ticks as the reply to XREAD: current type is ${found}`);
    }
    for (at++; at < length; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === CR) {
        if (at + 1 >= length) return -1;
        this.#at = at + 2;
        return value;
      }
      value = value * 10 + byte - ZERO;
    }
    return -1;
  }

  /** Finds the next bulk string, and goes past it; false while it is not whole. */
  #blob(): boolean {
    const length = this.#length(DOLLAR);
    if (length < 0) return false;
    this.#blobFrom = this.#at;
    this.#blobTo = this.#at + length;
    this.#at = this.#blobTo + 2;
    return this.#at <= this.#bytes.length;
  }

  #text(): string {
    return latin1.decode(this.#bytes.subarray(this.#blobFrom, this.#blobTo));
  }

  #integer(from: number, to: number): number {
    let value = 0;
    for (let at = from; at < to; at++) value = value * 10 + (this.#bytes[at] ?? 0) - ZERO;
    return value;
  }

  /** A price, a volume, flags or a stamp; NaN when empty. */
  #number(): number {
    const bytes = this.#bytes, to = this.#blobTo;
    let at = this.#blobFrom, digits = 0, decimals = -1;
    if (at === to) return NaN;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    for (; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === DOT && decimals < 0) {
        decimals = 0;
        continue;
      }
      const digit = byte - ZERO;
      if (digit < 0 || digit > 9) return Number(this.#text());
      digits = digits * 10 + digit;
      if (decimals >= 0) decimals++;
    }
    if (to - this.#blobFrom > EXACT_DIGITS) return Number(this.#text());
    const value = decimals > 0 ? digits / (POWERS[decimals] ?? NaN) : digits;
    return negative ? -value : value;
  }

  /** `1703264400.123` as ms. */
  #milliseconds(): number {
    const dot = this.#blobTo - 4;
    return this.#bytes[dot] === DOT && this.#bytes[this.#blobFrom] !== MINUS
      ? this.#integer(this.#blobFrom, dot) * 1000 + this.#integer(dot + 1, this.#blobTo)
      : Math.round(Number(this.#text()) * 1000);
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
