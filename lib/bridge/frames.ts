import { TICK_BYTES, Ticks } from "../market/tick.ts";
import { BridgeError } from "./bridge_error.ts";

/**
 * Frames on the socket: u32 length of what follows, u8 type, payload; all little-endian. The bytes
 * are described in README.md.
 */
export const CONTROL_FRAME = 1;
export const TICKS_FRAME = 2;
export const MAX_FRAME_BYTES = 1 << 20;
/** The limit until a peer has proved itself: a stranger gets little memory. */
export const MAX_HANDSHAKE_FRAME_BYTES = 4096;

const LENGTH_BYTES = 4;
const HEADER_BYTES = LENGTH_BYTES + 1;
const TICKS_HEADER_BYTES = 8;
/** One tick frame's share of the socket: later frames never wait long behind it. */
export const MAX_TICKS_PER_FRAME = 4096;
const RECEIVE_BYTES = 256 << 10;
const MIN_SPACE_BYTES = 16 << 10;

export interface Frame {
  readonly type: typeof CONTROL_FRAME | typeof TICKS_FRAME;
  /** Shares the receive buffer, which is never written again. */
  readonly payload: Uint8Array;
}

export interface TicksFrame {
  readonly stream: number;
  /** Into the symbol table that answered the request. */
  readonly symbolIndex: number;
  readonly ticks: Ticks;
}

/** Finds frames in bytes that arrive in pieces of any size. A frame is never copied but at a seam. */
export class FrameReader {
  /** The greatest length that a frame may announce. */
  maxFrameBytes: number;
  #buffer = new Uint8Array(RECEIVE_BYTES);
  #view = new DataView(this.#buffer.buffer);
  #start = 0;
  #end = 0;

  constructor(maxFrameBytes: number = MAX_FRAME_BYTES) {
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Where the next bytes go; call `filled` with how many came. */
  space(): Uint8Array {
    if (this.#buffer.length - this.#end < this.#wanted()) this.#renew();
    return this.#buffer.subarray(this.#end);
  }

  filled(bytes: number): void {
    this.#end += bytes;
  }

  /** Copies bytes in, for callers that have them already. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const space = this.space();
      const part = bytes.subarray(at, at + space.length);
      space.set(part);
      this.filled(part.length);
      at += part.length;
    }
  }

  /** True when the bytes end inside a frame. */
  get half(): boolean {
    return this.#end > this.#start;
  }

  /**
   * The next whole frame, or undefined until more bytes come.
   * @throws BridgeError `oversized_frame` or `unknown_frame`; the bytes after it mean nothing.
   */
  next(): Frame | undefined {
    const available = this.#end - this.#start;
    if (available < LENGTH_BYTES) return undefined;
    const length = this.#announced();
    if (available < HEADER_BYTES) return undefined;
    const type = this.#view.getUint8(this.#start + LENGTH_BYTES);
    if (type !== CONTROL_FRAME && type !== TICKS_FRAME) {
      throw new BridgeError(
        "unknown_frame",
        `Cannot read a frame as control (1) or ticks (2): current type is ${type}`,
      );
    }
    if (available < LENGTH_BYTES + length) return undefined;
    const from = this.#start + HEADER_BYTES;
    this.#start += LENGTH_BYTES + length;
    return { type, payload: this.#buffer.subarray(from, this.#start) };
  }

  #announced(): number {
    const length = this.#view.getUint32(this.#start, true);
    if (length < 1 || length > this.maxFrameBytes) {
      throw new BridgeError(
        "oversized_frame",
        `Cannot read a frame as 1 to ${this.maxFrameBytes} bytes: current length is ${length}`,
      );
    }
    return length;
  }

  #wanted(): number {
    const available = this.#end - this.#start;
    if (available < LENGTH_BYTES) return MIN_SPACE_BYTES;
    const missing = LENGTH_BYTES + this.#view.getUint32(this.#start, true) - available;
    return Math.min(Math.max(missing, 1), this.maxFrameBytes + LENGTH_BYTES);
  }

  /** Frames handed out share the old buffer, so it is left to them. */
  #renew(): void {
    const rest = this.#buffer.subarray(this.#start, this.#end);
    const size = Math.max(RECEIVE_BYTES, rest.length + this.#wanted());
    this.#buffer = new Uint8Array(size);
    this.#view = new DataView(this.#buffer.buffer);
    this.#buffer.set(rest);
    this.#start = 0;
    this.#end = rest.length;
  }
}

/** Collects outgoing frames in one piece of memory that grows to the largest turn and stays. */
export class FrameWriter {
  #buffer = new Uint8Array(64 << 10);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  #spare: Uint8Array<ArrayBuffer> | undefined;
  readonly #text = new TextEncoder();

  get bytes(): number {
    return this.#length;
  }

  control(message: unknown): void {
    const payload = this.#text.encode(JSON.stringify(message));
    this.#header(CONTROL_FRAME, payload.length);
    this.#buffer.set(payload, this.#length);
    this.#length += payload.length;
  }

  /** As many frames as the ticks need. */
  ticks(stream: number, symbolIndex: number, ticks: Ticks): void {
    for (let from = 0; from < ticks.count; from += MAX_TICKS_PER_FRAME) {
      const to = Math.min(from + MAX_TICKS_PER_FRAME, ticks.count);
      const records = ticks.bytes.subarray(from * TICK_BYTES, to * TICK_BYTES);
      this.#header(TICKS_FRAME, TICKS_HEADER_BYTES + records.length);
      this.#view.setUint32(this.#length, stream, true);
      this.#view.setUint32(this.#length + 4, symbolIndex, true);
      this.#buffer.set(records, this.#length + TICKS_HEADER_BYTES);
      this.#length += TICKS_HEADER_BYTES + records.length;
    }
  }

  /** What was collected. Give the bytes back with `written`; until then new frames go elsewhere. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#use(this.#spare ?? new Uint8Array(64 << 10));
    this.#spare = undefined;
    this.#length = 0;
    return taken;
  }

  written(taken: Uint8Array): void {
    this.#spare = new Uint8Array(taken.buffer as ArrayBuffer);
  }

  #header(type: number, payloadBytes: number): void {
    const needed = this.#length + HEADER_BYTES + payloadBytes;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#use(larger);
    }
    this.#view.setUint32(this.#length, 1 + payloadBytes, true);
    this.#view.setUint8(this.#length + LENGTH_BYTES, type);
    this.#length += HEADER_BYTES;
  }

  #use(buffer: Uint8Array<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
  }
}

/** @throws BridgeError `bad_message` when the payload is no ids with whole records. */
export function decodeTicks(payload: Uint8Array): TicksFrame {
  const records = payload.length - TICKS_HEADER_BYTES;
  if (records <= 0 || records % TICK_BYTES !== 0) {
    throw new BridgeError(
      "bad_message",
      `Cannot read ticks as 8 bytes and ${TICK_BYTES}-byte records: current length is ${payload.length}`,
    );
  }
  const view = new DataView(payload.buffer, payload.byteOffset, TICKS_HEADER_BYTES);
  return {
    stream: view.getUint32(0, true),
    symbolIndex: view.getUint32(4, true),
    ticks: new Ticks(payload.subarray(TICKS_HEADER_BYTES)),
  };
}

const controlText = new TextDecoder("utf-8", { fatal: true });

/** @throws BridgeError `bad_message` when the payload is not JSON. */
export function decodeControl(payload: Uint8Array): unknown {
  try {
    return JSON.parse(controlText.decode(payload));
  } catch (cause) {
    throw new BridgeError("bad_message", "Cannot read a control frame as JSON", { cause });
  }
}
