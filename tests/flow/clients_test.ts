import assert from "node:assert/strict";
import { memoryMb } from "../bench/watch.ts";
import { median } from "../bench/table.ts";
import { until } from "../support/until.ts";
import { UNIVERSE } from "../../lib/market/universe.ts";
import { LineChild } from "../support/line_child.ts";
import { idHash, type Reading, type Span, symbolHash } from "./readers.ts";
import { readCaptured, tickFiles } from "./recorded.ts";
import { Rig } from "./rig.ts";

/**
 * Many clients at once, some of which never read: `CLIENTS_SECONDS=60 deno test -A
 * tests/flow/clients_test.ts`, or 300. It judges delays, so it wants a machine that does nothing else
 * and does not run among the tests that run side by side; a machine that others share pauses now and
 * then, so the p99 is judged by the steadier parts of the span.
 */
const SECONDS = Number(Deno.env.get("CLIENTS_SECONDS") ?? 0);
const TICKS_PER_SECOND = 500;
const READERS = 195;
const STUCK = ["conflate", "conflate", "conflate", "disconnect", "disconnect"];
const ESTABLISHED = "01";

Deno.test({
  name: "195 clients get every tick in time while 5 never read, and memory stays flat",
  ignore: !canRun(),
}, async () => {
  await using rig = await Rig.open({
    shape: "embedded",
    settings: {
      SIMULATED_TICKS_PER_SECOND: `${TICKS_PER_SECOND}`,
      LOG_LEVEL: "warning",
      // A client that does not even answer pings counts as dead after a minute; here it is to show
      // what it chose for being slow.
      GATEWAY_SILENT_MS: "3600000",
    },
    args: [],
  });
  rig.startAll();
  const { gateway, health } = rig.ports;
  await until(async () => {
    const { symbols }: { symbols: { id: string | null }[] } =
      await (await fetch(`http://127.0.0.1:${gateway}/symbols`)).json();
    return symbols.every(({ id }) => id !== null);
  }, { timeoutMs: 60_000 });

  await using stuck = LineChild.start("python3", [
    new URL("stuck_readers.py", import.meta.url).pathname,
    `${gateway}`,
    ...STUCK,
  ]);
  const stuckPorts: number[] = JSON.parse(await stuck.line());
  await using readers = LineChild.start(Deno.execPath(), [
    "run",
    "-A",
    "--no-check",
    new URL("readers.ts", import.meta.url).pathname,
    `${gateway}`,
    `${READERS}`,
    `${SECONDS}`,
  ]);
  const span: Span = JSON.parse(await readers.line());

  const memory: number[] = [];
  const watching = setInterval(() => memory.push(memoryMb(rig.pid("start"))), 1_000);
  const reading: Reading = JSON.parse(await readers.line());
  clearInterval(watching);

  const early = median(quarter(memory, 1)), late = median(quarter(memory, 3));
  const slow = await slowClients(`http://127.0.0.1:${health}/metrics`);
  console.log(
    `${SECONDS} s, ${READERS} clients: ${reading.ticks} ticks each, p50 ${reading.p50Ms} ms, ` +
      `p99 ${reading.p99Ms} ms (steady ${reading.steadyP99Ms} ms), max ${reading.maxMs} ms; slow: ${
        JSON.stringify(slow)
      }; ` +
      `memory ${Math.round(early)} MB, then ${Math.round(late)} MB`,
  );

  assert.deepEqual(reading.complaints, [], rig.output);
  assert.deepEqual(slow, { conflate: 3, disconnect: 2 });
  const sockets = gatewaySockets(gateway);
  for (const [index, choice] of STUCK.entries()) {
    const socket = sockets.find(({ remotePort }) => remotePort === stuckPorts[index]);
    if (choice === "conflate") {
      assert.equal(socket?.state, ESTABLISHED, "a conflated client keeps its connection");
    } else {
      // The kernel may still try to deliver the last bytes, but no program has the socket any more.
      assert.notEqual(socket?.state, ESTABLISHED, "the connection has ended");
      assert.equal(socket?.inode ?? "0", "0", "and the gateway holds no socket");
    }
  }
  const captured = await capturedIn(rig, span);
  assert.ok(captured.ticks > TICKS_PER_SECOND * SECONDS * 0.8, `${captured.ticks} ticks`);
  assert.deepEqual(reading.ticks, [captured.ticks], "each client has as many as the files");
  assert.deepEqual(reading.checksums, [captured.checksum], "the ids are those of the files");

  assert.ok(late <= early * 1.1, `memory grew from ${early} to ${late} MB`);
  assert.ok(reading.steadyP99Ms < 50, `p99 ${reading.steadyP99Ms} ms`);
});

function canRun(): boolean {
  if (SECONDS < 20) {
    console.log(
      "skipped: 200 clients are looked at when CLIENTS_SECONDS says for how long, from 20",
    );
    return false;
  }
  if (Deno.build.os !== "linux") {
    console.log("skipped: the 200 clients need /proc, which only Linux has");
    return false;
  }
  try {
    return new Deno.Command("python3", { args: ["--version"], stdout: "null" }).outputSync()
      .success;
  } catch {
    console.log("skipped: python3 is not installed: apt-get install python3");
    return false;
  }
}

function quarter(samples: readonly number[], index: number): number[] {
  const size = Math.floor(samples.length / 4);
  return samples.slice(index * size, index === 3 ? undefined : (index + 1) * size);
}

interface KernelSocket {
  readonly remotePort: number;
  /** As in /proc/net/tcp: 01 is ESTABLISHED. */
  readonly state: string;
  /** `0` when no program holds the socket. */
  readonly inode: string;
}

/**
 * The gateway's ends of its connections, by the kernel's own account. A reading is not atomic: it can
 * miss a row while others come and go, so several are taken together.
 */
function gatewaySockets(port: number): KernelSocket[] {
  const rows = [1, 2, 3].flatMap(() => {
    return Deno.readTextFileSync("/proc/net/tcp").trim().split("\n").slice(1);
  });
  return rows.flatMap((row) => {
    const [, local = "", remote = "", state = "", , , , , , inode = ""] = row.trim().split(/\s+/);
    const remotePort = portOf(remote);
    return portOf(local) === port && remotePort !== 0 ? [{ remotePort, state, inode }] : [];
  });
}

function portOf(address: string): number {
  return parseInt(address.split(":")[1] ?? "", 16);
}

/** How many clients were found slow, by what they chose. */
async function slowClients(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(url)).text();
  const rows = text.matchAll(
    /^arbitrex_gateway_slow_clients_total\{.*?outcome="(\w+)".*?\} (\d+)/gm,
  );
  return Object.fromEntries([...rows].map(([, outcome, count]) => [outcome, Number(count)]));
}

/** What the files hold of the span, once nothing of it can still be on its way there. */
async function capturedIn(
  rig: Rig,
  { fromMs, toMs }: Span,
): Promise<{ ticks: number; checksum: number }> {
  assert.equal(await rig.kill("start", "SIGTERM"), 0, rig.output);
  let ticks = 0, checksum = 0;
  for (const { symbol, market } of UNIVERSE) {
    const hash = symbolHash(symbol);
    for (const path of tickFiles(rig.dataDir, symbol, market)) {
      for (const { id } of readCaptured(path)) {
        const [ms = 0, n = 0] = id.split("-").map(Number);
        if (ms < fromMs || ms >= toMs) continue;
        ticks++;
        checksum = checksum + idHash(hash, ms, n) >>> 0;
      }
    }
  }
  return { ticks, checksum };
}
