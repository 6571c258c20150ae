import type { TickJson } from "./tick_json.ts";

/**
 * The three shapes in which messages leave: one WebSocket text frame a message, one frame that holds
 * an array of messages, and Server-Sent Events. Bytes are made once a shape and shared by clients.
 *
 * Server frames carry no mask and no compression is offered, so a frame is the same for everybody
 * and can be made ahead (RFC 6455, 5.2).
 */
export type Shape = "single" | "batch" | "sse";
export type Bytes = Uint8Array<ArrayBuffer>;

const TEXT_FRAME = 0x81;
const OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d, COMMA = 0x2c;
const encoder = new TextEncoder();

/** One message that is no tick. `event` names it to an EventSource. */
export function encodeMessage(shape: Shape, message: object, event = "message"): Bytes {
  const json = JSON.stringify(message);
  if (shape === "sse") return encoder.encode(`event: ${event}\ndata: ${json}\n\n`);
  return textFrame(encoder.encode(shape === "batch" ? `[${json}]` : json));
}

/** All messages of these runs, in order, as the bytes of one write. */
export function encodeRuns(shape: Shape, runs: readonly TickJson[], event: string): Bytes {
  switch (shape) {
    case "single":
      return singleFrames(runs);
    case "batch":
      return batchFrame(runs);
    case "sse":
      return events(runs, event);
  }
}

function singleFrames(runs: readonly TickJson[]): Bytes {
  let length = 0;
  for (const run of runs) {
    eachMessage(run, (from, to) => length += headerBytes(to - from) + to - from);
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const run of runs) {
    eachMessage(run, (from, to) => {
      at = writeHeader(out, at, to - from);
      out.set(run.bytes.subarray(from, to), at);
      at += to - from;
    });
  }
  return out;
}

function batchFrame(runs: readonly TickJson[]): Bytes {
  // A bracket at each end and a comma between runs: one more byte than there are runs.
  const payload = runs.reduce((sum, run) => sum + run.bytes.length, runs.length + 1);
  const out = new Uint8Array(headerBytes(payload) + payload);
  let at = writeHeader(out, 0, payload);
  out[at++] = OPEN_BRACKET;
  for (const [index, run] of runs.entries()) {
    if (index > 0) out[at++] = COMMA;
    out.set(run.bytes, at);
    at += run.bytes.length;
  }
  out[at] = CLOSE_BRACKET;
  return out;
}

function events(runs: readonly TickJson[], event: string): Bytes {
  const head = encoder.encode(`event: ${event}\ndata: `);
  const messages = runs.reduce((sum, run) => sum + run.ends.length, 0);
  const commas = messages - runs.length;
  const length = runs.reduce((sum, run) => sum + run.bytes.length, 0) - commas +
    messages * (head.length + 2);
  const out = new Uint8Array(length);
  let at = 0;
  for (const run of runs) {
    eachMessage(run, (from, to) => {
      out.set(head, at);
      out.set(run.bytes.subarray(from, to), at + head.length);
      at += head.length + to - from;
      out[at++] = 0x0a;
      out[at++] = 0x0a;
    });
  }
  return out;
}

function eachMessage(run: TickJson, see: (from: number, to: number) => void): void {
  let from = 0;
  for (const to of run.ends) {
    see(from, to);
    from = to + 1;
  }
}

function textFrame(payload: Bytes): Bytes {
  const out = new Uint8Array(headerBytes(payload.length) + payload.length);
  out.set(payload, writeHeader(out, 0, payload.length));
  return out;
}

function headerBytes(payload: number): number {
  return payload < 126 ? 2 : payload < 65536 ? 4 : 10;
}

/** Writes the header of an unmasked final text frame; returns where its payload starts. */
function writeHeader(out: Uint8Array, at: number, payload: number): number {
  out[at] = TEXT_FRAME;
  if (payload < 126) {
    out[at + 1] = payload;
    return at + 2;
  }
  const view = new DataView(out.buffer, out.byteOffset);
  if (payload < 65536) {
    out[at + 1] = 126;
    view.setUint16(at + 2, payload);
    return at + 4;
  }
  out[at + 1] = 127;
  view.setUint32(at + 2, Math.floor(payload / 4294967296));
  view.setUint32(at + 6, payload >>> 0);
  return at + 10;
}
