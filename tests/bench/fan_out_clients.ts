import { connect } from "node:net";
import { Buffer } from "node:buffer";
import { clientFrame, upgradeRequest } from "../support/bare_web_socket.ts";

/**
 * The clients of `fan_out.ts`, in a process of their own: bare TCP, so that what is measured is the
 * gateway and not a WebSocket library. A tick's bid is the instant at which it was handed in, ms.
 *
 * Arguments: port, clients, 1 for batch. A line `{"ticks","latencies"}` on stdout answers each line
 * on stdin; the first line is `{"ready":true}`.
 */
const [port = "", clients = "1", batch = "0"] = Deno.args;
const TICK = Buffer.from('"type":"tick"');
const BID = Buffer.from('"bid":');
let ticks = 0, sampled = 0;
let latencies: number[] = [];
/** By socket, what may be the beginning of a mark whose rest comes with the next chunk. */
const kept = new Map<unknown, Buffer>();

for (let index = 0; index < Number(clients); index++) await open();
console.log(JSON.stringify({ ready: true }));
for await (const _ of Deno.stdin.readable) {
  console.log(JSON.stringify({ ticks, latencies }));
  ticks = 0;
  latencies = [];
}
Deno.exit(0);

function open(): Promise<void> {
  const socket = connect(Number(port), "127.0.0.1");
  socket.setNoDelay(true);
  socket.write(upgradeRequest());
  return new Promise((resolve) => {
    socket.once("data", () => {
      socket.write(subscription());
      socket.once("data", () => {
        socket.on("data", count);
        resolve();
      });
    });
  });
}

function subscription(): Uint8Array {
  return clientFrame(
    "text",
    JSON.stringify({ subscribe: "*", snapshot: false, batch: batch === "1" }),
  );
}

function count(this: unknown, chunk: Buffer): void {
  const nowMs = performance.timeOrigin + performance.now();
  const rest = kept.get(this);
  const bytes = rest === undefined || rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  let at = bytes.indexOf(TICK), end = 0;
  while (at >= 0) {
    ticks++;
    end = at + TICK.length;
    if (++sampled % 50 === 0) {
      const bid = bytes.indexOf(BID, at), comma = bytes.indexOf(44, bid);
      if (bid >= 0 && comma >= 0) {
        latencies.push(nowMs - Number(bytes.toString("latin1", bid + BID.length, comma)));
      }
    }
    at = bytes.indexOf(TICK, end);
  }
  kept.set(this, bytes.subarray(Math.max(end, bytes.length - TICK.length + 1)));
}
