import assert from "node:assert/strict";
import { SimulatedSource } from "../../bridge/source_simulated.ts";
import { pause } from "../../lib/program/pause.ts";
import { selfSigned } from "../support/certificate.ts";
import { TwoHosts, twoHostsAreThere } from "../support/two_hosts.ts";
import { until } from "../support/until.ts";
import { priceKey, readCaptured, type RecordedTick, tickFiles } from "./recorded.ts";
import { Rig } from "./rig.ts";

/** Longer than the 15 s after which a silent bridge counts as dead; LINK_CUT_SECONDS=60 for a minute. */
const CUT_S = Number(Deno.env.get("LINK_CUT_SECONDS") ?? 20);
const BEFORE_S = 8, AFTER_S = 15;
const SYMBOLS = ["EURUSD", "GBPUSD", "XAUUSD"];
const clock = { zone: "America/New_York", shiftMs: 7 * 3_600_000 };

const certificate = await selfSigned("IP:127.0.0.1");
const ignore = certificate === undefined || !await twoHostsAreThere();

Deno.test(
  "a link between bridge and workers that was cut heals without a loss, over TLS and with a token",
  { ignore },
  async () => {
    await using hosts = await TwoHosts.open();
    const fromMs = Math.ceil(Date.now() / 1000) * 1000;
    const untilMs = fromMs + (BEFORE_S + CUT_S + AFTER_S) * 1000;
    await using rig = await Rig.open({
      shape: "processes",
      settings: {
        ONCE: "1",
        SYMBOLS: SYMBOLS.join(","),
        CAPTURE_FROM: new Date(fromMs).toISOString(),
        BRIDGE_HOST: hosts.far.address,
        BRIDGE_TOKEN: "a secret that both hosts share",
        SIMULATED_ALWAYS_OPEN: "1",
        SIMULATED_ONCE: "1",
        SIMULATED_TICKS_PER_SECOND: "500",
        SIMULATED_FROM: new Date(fromMs).toISOString(),
        SIMULATED_UNTIL: new Date(untilMs).toISOString(),
      },
      args: [],
      hosts: [hosts.far.address],
      prefixOf: (role) => role === "bridge" ? hosts.far.prefix : hosts.near.prefix,
    });
    const { cert = "", key = "" } = await selfSigned(`IP:${hosts.far.address}`) ?? {};
    const certFile = `${rig.dir}/cert.pem`, keyFile = `${rig.dir}/key.pem`;
    await Deno.writeTextFile(certFile, cert);
    await Deno.writeTextFile(keyFile, key);
    rig.start("bridge", { BRIDGE_TLS_CERT: certFile, BRIDGE_TLS_KEY: keyFile });
    rig.start("collector", { BRIDGE_CA_FILE: certFile });
    rig.start("writer");
    await until(() => SYMBOLS.every((symbol) => tickFiles(rig.dataDir, symbol).length > 0));
    await hosts.cut();
    await pause(CUT_S * 1000);
    await hosts.mend();
    assert.equal(await rig.ended("writer"), 0, rig.output);
    for (const symbol of SYMBOLS) {
      const captured = tickFiles(rig.dataDir, symbol).flatMap((path) => readCaptured(path));
      const expected = await inventedTicks(symbol, { fromMs, untilMs });
      assert.ok(expected.length > 500);
      assert.deepEqual(captured.map(priceKey), expected.map(priceKey), symbol);
    }
    assert.doesNotMatch(rig.output, /a secret that both hosts share/);
  },
);

async function inventedTicks(
  symbol: string,
  { fromMs, untilMs }: { fromMs: number; untilMs: number },
): Promise<RecordedTick[]> {
  await using source = new SimulatedSource({
    ...{ seed: 1, ticksPerSecond: 500, alwaysOpen: true, clock, historyMs: Infinity, once: true },
    barHistoryMs: 0,
    ...{ fromUtcMs: fromMs, untilUtcMs: untilMs },
  });
  const ticks: RecordedTick[] = [];
  const { signal } = new AbortController();
  for await (const event of source.stream([{ symbol, fromServerMs: 0 }], signal)) {
    if (event.type !== "ticks") continue;
    for (let index = 0; index < event.ticks.count; index++) {
      const utcMs = event.ticks.serverMs(index) - offsetMs(fromMs);
      ticks.push({ utcMs, bid: `${event.ticks.bid(index)}`, ask: `${event.ticks.ask(index)}` });
    }
  }
  return ticks;
}

function offsetMs(utcMs: number): number {
  const { offsetNanoseconds } = Temporal.Instant.fromEpochMilliseconds(utcMs)
    .toZonedDateTimeISO(clock.zone);
  return offsetNanoseconds / 1e6 + clock.shiftMs;
}
