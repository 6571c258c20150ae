import { TICK_BYTES, Ticks } from "../../lib/market/tick.ts";

const TWO_32 = 4294967296;
const FIRST_TICKS = 1024;

/** Packed ticks being written one after another: what sources build their events with. */
export class TickBlock {
  #bytes = new Uint8Array(FIRST_TICKS * TICK_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  get count(): number {
    return this.#at / TICK_BYTES;
  }

  /** Like `Ticks.set`, without an object a tick. `last` and `volume` are NaN when absent. */
  push(
    serverMs: number,
    bid: number,
    ask: number,
    flags: number,
    last: number = NaN,
    volume: number = NaN,
  ): void {
    if (this.#at === this.#bytes.length) this.#grow();
    const view = this.#view, at = this.#at;
    writeTime(view, at, serverMs);
    view.setFloat64(at + 8, bid, true);
    view.setFloat64(at + 16, ask, true);
    view.setFloat64(at + 24, last, true);
    const whole = volume >= 0 ? Math.floor(volume) : 0;
    view.setUint32(at + 32, whole >>> 0, true);
    view.setUint32(at + 36, Math.floor(whole / TWO_32), true);
    view.setUint32(at + 48, flags, true);
    view.setFloat64(at + 52, volume, true);
    this.#at += TICK_BYTES;
  }

  /** The ticks so far; the block starts anew and keeps no reference to them. */
  take(): Ticks {
    const ticks = new Ticks(this.#bytes.subarray(0, this.#at));
    this.#use(new Uint8Array(Math.max(FIRST_TICKS * TICK_BYTES, this.#at)));
    this.#at = 0;
    return ticks;
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#use(larger);
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Gives every tick of a block another server time, in place. */
export function restamp(ticks: Ticks, stampOf: (serverMs: number) => number): void {
  const { bytes } = ticks;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; index < ticks.count; index++) {
    const at = index * TICK_BYTES;
    writeTime(view, at, stampOf(ticks.serverMs(index)));
  }
}

/** Both places that hold the server's time: seconds, and ms. */
function writeTime(view: DataView, at: number, serverMs: number): void {
  const seconds = Math.floor(serverMs / 1000);
  view.setUint32(at, seconds >>> 0, true);
  view.setInt32(at + 4, Math.floor(seconds / TWO_32), true);
  view.setUint32(at + 40, serverMs >>> 0, true);
  view.setInt32(at + 44, Math.floor(serverMs / TWO_32), true);
}
