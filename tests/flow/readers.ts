import { connect, type Socket } from "node:net";
import { Buffer } from "node:buffer";
import { median } from "../bench/table.ts";
import { clientFrame, upgradeRequest } from "../support/bare_web_socket.ts";

/**
 * Many clients that read all, in a process of their own: bare TCP, so that they cost little beside
 * the programs that are looked at. Each looks at the id of every tick; the ids' ms give the delay.
 *
 * Arguments: port, clients, seconds. The first line on stdout is a `Span`, the last a `Reading`.
 */
export interface Span {
  /** Ticks count whose id's ms lies in `[fromMs, toMs)`. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Reading {
  /** What the clients counted, each different figure once: one element when all got the same. */
  readonly ticks: readonly number[];
  /** Sums over the ids, each different one once. */
  readonly checksums: readonly number[];
  /** Messages about holes, errors and recoveries, and closed connections; the first few. */
  readonly complaints: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The median of the p99 of a sixth of the span each: a pause of the machine is in one of them. */
  readonly steadyP99Ms: number;
  readonly maxMs: number;
}

/** The clock is the same for all; its own fraction of a ms is what the figures are good to. */
const BUCKETS_PER_MS = 10;
const MAX_MS = 10_000;
const BUCKETS = MAX_MS * BUCKETS_PER_MS + 1;
const SLICES = 6;
/** The count begins so long after the last client has come: no tick of the span is out yet, in ms. */
const SETTLE_MS = 1_000;
/** A client has everything before an instant once it has a tick this much later, in ms. */
const BEYOND_MS = 2_000;

const TEXT = 0x81, PING = 0x89, CLOSE = 0x88;
/** Where a tick's type and symbol begin in `{"type":"tick","symbol":"EURUSD","id":"…"`. */
const TYPE_AT = 9, SYMBOL_AT = 25;
const QUOTE = 0x22, ZERO = 0x30;
const ID_AFTER_SYMBOL = '","id":"'.length;
const LOWER_T = 0x74;

/** What comes over a client's socket, counted. */
class Client {
  ticks = 0;
  checksum = 0;
  newestMs = 0;
  #rest: Buffer | undefined;
  readonly #socket: Socket;
  readonly #tally: Tally;

  constructor(socket: Socket, tally: Tally) {
    this.#socket = socket;
    this.#tally = tally;
  }

  take(chunk: Buffer): void {
    const nowMs = performance.timeOrigin + performance.now();
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      if (at + 4 > bytes.length) break;
      let length = byteAt(bytes, at + 1), from = at + 2;
      if (length === 126) {
        length = bytes.readUInt16BE(at + 2);
        from = at + 4;
      }
      if (from + length > bytes.length) break;
      this.#frame(bytes, { opcode: byteAt(bytes, at), from, to: from + length, nowMs });
      at = from + length;
    }
    this.#rest = at === bytes.length ? undefined : bytes.subarray(at);
  }

  #frame(
    bytes: Buffer,
    { opcode, from, to, nowMs }: { opcode: number; from: number; to: number; nowMs: number },
  ): void {
    if (opcode === TEXT && byteAt(bytes, from + TYPE_AT) === LOWER_T) {
      return this.#tick(bytes, from, nowMs);
    }
    const payload = bytes.subarray(from, to);
    if (opcode === PING) return void this.#socket.write(clientFrame("pong", payload));
    const text = opcode === CLOSE ? `closed: ${payload.subarray(2)}` : payload.toString();
    if (opcode === TEXT && /^\{("subscribed"|"type":"snapshot")/.test(text)) return;
    this.#tally.complaints.push(text);
  }

  #tick(bytes: Buffer, from: number, nowMs: number): void {
    let at = from + SYMBOL_AT, hash = 0;
    for (; byteAt(bytes, at) !== QUOTE; at++) hash = hash * 31 + byteAt(bytes, at) | 0;
    at += ID_AFTER_SYMBOL;
    let ms = 0, n = 0;
    for (let index = 0; index < 13; index++) ms = ms * 10 + byteAt(bytes, at++) - ZERO;
    for (at++; byteAt(bytes, at) !== QUOTE; at++) n = n * 10 + byteAt(bytes, at) - ZERO;
    if (ms > this.newestMs) this.newestMs = ms;
    const { fromMs, toMs, slices } = this.#tally;
    if (ms < fromMs || ms >= toMs) return;
    this.ticks++;
    this.checksum = this.checksum + idHash(hash, ms, n) >>> 0;
    const bucket = Math.floor((nowMs - ms) * BUCKETS_PER_MS);
    const within = Math.min(Math.max(bucket, 0), BUCKETS - 1);
    const delays = slices[Math.floor(SLICES * (ms - fromMs) / (toMs - fromMs))];
    if (delays !== undefined) delays[within] = (delays[within] ?? 0) + 1;
  }
}

class Tally {
  /** Nothing counts before the span is known. */
  fromMs = Infinity;
  toMs = Infinity;
  /** Delays by parts of the span, each part a histogram. */
  readonly slices = Array.from({ length: SLICES }, () => new Float64Array(BUCKETS));
  readonly complaints: string[] = [];

  begin(seconds: number): Span {
    this.fromMs = Date.now() + SETTLE_MS;
    this.toMs = this.fromMs + seconds * 1000;
    return { fromMs: this.fromMs, toMs: this.toMs };
  }

  quantileMs(part: number): number {
    const whole = new Float64Array(BUCKETS);
    for (const slice of this.slices) {
      for (const [bucket, count] of slice.entries()) whole[bucket] = (whole[bucket] ?? 0) + count;
    }
    return quantileOf(whole, part);
  }
}

function quantileOf(delays: Float64Array, part: number): number {
  const total = delays.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  const bucket = delays.findIndex((count) => (seen += count) >= part * total && seen > 0);
  return bucket / BUCKETS_PER_MS;
}

function byteAt(bytes: Buffer, index: number): number {
  return bytes[index] ?? 0;
}

/** Sums of it agree when the ids are the same, in whatever order. `symbol` is the symbol's hash. */
export function idHash(symbol: number, ms: number, n: number): number {
  return Math.imul(symbol ^ Math.imul(ms % 0x7fffffff, 0x9e3779b1), n * 2 + 1) >>> 0;
}

export function symbolHash(symbol: string): number {
  let hash = 0;
  for (let index = 0; index < symbol.length; index++) {
    hash = hash * 31 + symbol.charCodeAt(index) | 0;
  }
  return hash;
}

async function open(port: number, tally: Tally): Promise<Client> {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  socket.on("error", ({ message }) => tally.complaints.push(message));
  socket.write(upgradeRequest());
  // Nothing follows the answer to the upgrade before there is a subscription.
  await new Promise((resolve) => socket.once("data", resolve));
  const client = new Client(socket, tally);
  socket.on("data", (chunk: Buffer) => client.take(chunk));
  socket.on("close", () => tally.complaints.push("the connection is closed"));
  socket.write(clientFrame("text", '{"subscribe":"*"}'));
  return client;
}

async function main([port, clients, seconds]: number[]): Promise<void> {
  const tally = new Tally();
  const all: Client[] = [];
  for (let index = 0; index < (clients ?? 1); index++) all.push(await open(port ?? 0, tally));
  const span = tally.begin(seconds ?? 1);
  console.log(JSON.stringify(span));
  const deadlineMs = span.toMs + 30_000;
  while (all.some(({ newestMs }) => newestMs < span.toMs + BEYOND_MS) && Date.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const reading: Reading = {
    ticks: [...new Set(all.map(({ ticks }) => ticks))],
    checksums: [...new Set(all.map(({ checksum }) => checksum))],
    complaints: tally.complaints.slice(0, 5),
    p50Ms: tally.quantileMs(0.5),
    p99Ms: tally.quantileMs(0.99),
    steadyP99Ms: median(tally.slices.map((slice) => quantileOf(slice, 0.99))),
    maxMs: tally.quantileMs(1),
  };
  console.log(JSON.stringify(reading));
  Deno.exit(0);
}

if (import.meta.main) await main(Deno.args.map(Number));
