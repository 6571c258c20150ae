import assert from "node:assert/strict";
import { SimulatedSource } from "../../../bridge/source_simulated.ts";
import { type BridgeConnection, connectBridge } from "../../../lib/bridge/client.ts";
import { sourcePresent } from "../../../lib/bridge/present.ts";
import { readTickHistory } from "../../../lib/bridge/tick_history.ts";
import type { SourceEvent } from "../../../lib/bridge/feed.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { startBridge } from "../../support/bridge_server.ts";
import { HistorySource } from "../../support/history_source.ts";

/** Wednesday 2025-12-17, 12:00 UTC; the server is two hours ahead. */
const NOW_MS = Date.UTC(2025, 11, 17, 12), OFFSET_MS = 7_200_000, HOUR_MS = 3_600_000;

function simulated(disorder?: { seed: number; lateMs: number }): SimulatedSource {
  return new SimulatedSource({
    seed: 7,
    ticksPerSecond: 40,
    alwaysOpen: true,
    clock: { zone: "UTC", shiftMs: OFFSET_MS },
    historyMs: 24 * HOUR_MS,
    barHistoryMs: 24 * HOUR_MS,
    now: () => NOW_MS,
    ...(disorder === undefined ? {} : { disorder }),
  });
}

async function connected<T>(
  source: Parameters<typeof startBridge>[0],
  act: (connection: BridgeConnection, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  await using bridge = await startBridge(source);
  const { signal } = new AbortController();
  await using connection = await connectBridge({ host: "127.0.0.1", port: bridge.port, signal });
  return await act(connection, signal);
}

async function keysOf(
  connection: BridgeConnection,
  range: { fromServerMs: number; toServerMs: number; signal: AbortSignal },
): Promise<string[]> {
  const parts: Ticks[] = [];
  for await (const part of readTickHistory(connection, { symbol: "EURUSD", ...range })) {
    parts.push(part);
  }
  const all = Ticks.concat(parts);
  return Array.from({ length: all.count }, (_, index) => all.payloadKey(index)).sort();
}

const FROM_MS = NOW_MS + OFFSET_MS - 6 * HOUR_MS;

Deno.test("a range of history is whole, whatever lies around it and in whatever order it comes", async () => {
  const range = { fromServerMs: FROM_MS, toServerMs: FROM_MS + HOUR_MS };
  const whole = await connected(
    simulated(),
    (connection, signal) => keysOf(connection, { ...range, signal }),
  );
  assert.ok(whole.length > 1000, `${whole.length} ticks`);
  const halves = await connected(
    simulated({ seed: 3, lateMs: 4000 }),
    async (connection, signal) => {
      const middleMs = FROM_MS + HOUR_MS / 2;
      return [
        // One connection, one range after the other.
        ...await keysOf(connection, { fromServerMs: FROM_MS, toServerMs: middleMs, signal }),
        ...await keysOf(connection, {
          fromServerMs: middleMs,
          toServerMs: FROM_MS + HOUR_MS,
          signal,
        }),
      ];
    },
  );
  assert.deepEqual(halves.sort(), whole);
});

Deno.test("a range that reaches past the present ends at the present", async () => {
  const range = { fromServerMs: NOW_MS + OFFSET_MS - 60_000, toServerMs: NOW_MS + 9 * HOUR_MS };
  const keys = await connected(
    simulated(),
    (connection, signal) => keysOf(connection, { ...range, signal }),
  );
  assert.ok(keys.length > 10);
});

Deno.test("a vendor that fails in the middle of a range is not taken for the end of it", async () => {
  const source = new HistorySource({ clock: "learned", nowServerMs: NOW_MS });
  source.answer = () => {
    throw new Error("the terminal is closed");
  };
  await connected(source, async (connection, signal) => {
    const range = { fromServerMs: FROM_MS, toServerMs: NOW_MS };
    await assert.rejects(keysOf(connection, { ...range, signal }), /the terminal is closed/);
  });
});

Deno.test("an abort ends the reading with an error, so that half a range is not taken for all", async () => {
  await connected(simulated(), async (connection) => {
    const range = { fromServerMs: FROM_MS, toServerMs: NOW_MS };
    const stop = new AbortController();
    const reading = (async () => {
      const request = { symbol: "EURUSD", ...range, signal: stop.signal };
      for await (const _ of readTickHistory(connection, request)) stop.abort();
    })();
    await assert.rejects(reading, { name: "AbortError" });
  });
});

Deno.test("the present is the source's own, by the clock that it tells", async () => {
  const { signal } = new AbortController();
  assert.deepEqual(
    await connected(simulated(), (connection) => sourcePresent(connection, "EURUSD", signal)),
    { nowServerMs: NOW_MS + OFFSET_MS },
  );
  const learned = new HistorySource({ clock: "learned", nowServerMs: NOW_MS });
  assert.deepEqual(
    await connected(learned, (connection) => sourcePresent(connection, "EURUSD", signal)),
    { nowUtcMs: NOW_MS },
  );
});

/** A connection whose stream is written down. */
function told(kind: "raw" | "replay", events: readonly SourceEvent[]) {
  const source = { name: "replay:files", kind, clock: { zone: "UTC", shiftMs: 0 } };
  const stream = async function* () {
    yield* events;
  };
  return { source, stream };
}

Deno.test("the present of a recording is where it stands once it is played, at full speed its end", async () => {
  const { signal } = new AbortController();
  const clock = (nowServerMs: number): SourceEvent => {
    return { type: "clock", nowServerMs, watermarkServerMs: nowServerMs };
  };
  const atFullSpeed = told("replay", [clock(1), clock(2), { type: "live" }, clock(3)]);
  assert.deepEqual(await sourcePresent(atFullSpeed, "EURUSD", signal), { nowServerMs: 3 });
  const ended = told("replay", [clock(1), clock(2), { type: "ended" }]);
  assert.deepEqual(await sourcePresent(ended, "EURUSD", signal), { nowServerMs: 2 });
});

Deno.test("while the vendor's feed is down the present is when it went away; silence is an error", async () => {
  const { signal } = new AbortController();
  const down = told("raw", [{ type: "feed", state: "down", nowServerMs: 5 }]);
  assert.deepEqual(await sourcePresent(down, "EURUSD", signal), { nowServerMs: 5 });
  await assert.rejects(
    sourcePresent(told("raw", [{ type: "ended" }]), "EURUSD", signal),
    /current answer is the end of the stream/,
  );
});
