import assert from "node:assert/strict";
import { type Manifest, readManifest } from "../../lib/capture/manifest.ts";
import { redisIsInstalled } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { Rig, type Shape } from "./rig.ts";

/**
 * The outage begins after the collector's start and lasts long enough to start it once more; all in
 * real time, because a feed that is down is silent and there is nothing to replay.
 */
const BEFORE_MS = 4000, OUTAGE_S = 3, AFTER_MS = 3000;

interface Outage {
  readonly rig: Rig;
  readonly writerDir: string;
  readonly fromMs: number;
}

/** Starts everything with an outage to come; the bridge last, because its clock is the test's. */
async function startBeforeOutage(shape: Shape, heals: boolean): Promise<Outage> {
  const rig = await Rig.open({
    shape,
    settings: { ONCE: "1", RECONNECT_MAX_MS: "200", SYMBOLS: "EURUSD,GBPUSD" },
    args: [],
  });
  const writerDir = shape === "processes" ? rig.dataDir : `${rig.dir}/elsewhere`;
  rig.start("collector");
  rig.start("writer", { DATA_DIR: writerDir });
  const fromMs = Math.floor((Date.now() + BEFORE_MS) / 1000) * 1000;
  rig.start("bridge", {
    SIMULATED_ALWAYS_OPEN: "1",
    SIMULATED_ONCE: "1",
    SIMULATED_UNTIL: new Date(fromMs + OUTAGE_S * 1000 + AFTER_MS).toISOString(),
    SIMULATED_OUTAGE: `${new Date(fromMs).toISOString()}/${OUTAGE_S}`,
    SIMULATED_OUTAGE_HEALS: heals ? "1" : "0",
  });
  return { rig, writerDir, fromMs };
}

/** The manifests of the sealed days, which are two when midnight comes meanwhile. */
async function manifestsOf({ rig, writerDir, fromMs }: Outage): Promise<Manifest[]> {
  assert.equal(await rig.ended("writer"), 0, rig.output);
  const manifests = ["EURUSD", "GBPUSD"].map((symbol) => {
    const day = new Date(fromMs).toISOString().slice(0, 10);
    return readManifest(writerDir, `${day}T000000Z_${symbol}_TICK`);
  });
  return (await Promise.all(manifests)).filter((manifest) => manifest !== undefined);
}

function assertOneHole(outage: Outage, manifests: readonly Manifest[]): void {
  assert.equal(manifests.length, 2, outage.rig.output);
  for (const { gaps } of manifests) {
    assert.equal(gaps.length, 1, JSON.stringify(gaps));
    const { from_utc, to_utc, reason } = gaps[0] ?? { from_utc: "", to_utc: "", reason: "" };
    const toMs = outage.fromMs + OUTAGE_S * 1000;
    assert.ok(Math.abs(Date.parse(from_utc) - outage.fromMs) < 1000, from_utc);
    assert.ok(Math.abs(Date.parse(to_utc) - toMs) < 1000, to_utc);
    assert.equal(reason, "the vendor's feed was down");
  }
}

for (const isBackIn of [true, false]) {
  const when = isBackIn ? "within" : "after";
  Deno.test(`an outage in which the collector was killed, and started ${when} it, is one hole`, async () => {
    const outage = await startBeforeOutage("processes", false);
    await using rig = outage.rig;
    await until(() => Deno.statSync(`${rig.dataDir}/metadata/gaps.jsonl`).size > 0);
    await rig.kill("collector");
    if (!isBackIn) await until(() => Date.now() > outage.fromMs + OUTAGE_S * 1000 + 300);
    rig.start("collector");
    const manifests = await manifestsOf(outage);
    assertOneHole(outage, manifests);
    assert.deepEqual(manifests.map(({ status }) => status), ["PARTIAL", "PARTIAL"]);
    assert.deepEqual(manifests.map(({ gaps }) => gaps[0]?.rows), [0, 0]);
  });
}

Deno.test(
  "a writer on another machine hears of an outage, and tells what history filled",
  { ignore: !redisIsInstalled() },
  async () => {
    const outage = await startBeforeOutage("redis_everysec", true);
    await using _rig = outage.rig;
    const manifests = await manifestsOf(outage);
    assertOneHole(outage, manifests);
    assert.deepEqual(manifests.map(({ status }) => status), ["SUCCESS", "SUCCESS"]);
    assert.ok(manifests.every(({ gaps }) => (gaps[0]?.rows ?? 0) > 0));
  },
);
