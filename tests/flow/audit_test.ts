import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { dayName, dayOf, startOfDayMs } from "../../lib/capture/day_path.ts";
import { type Tick, Ticks } from "../../lib/market/tick.ts";
import { FAIL_POINT_EXIT_CODE } from "../../lib/program/fail_point.ts";
import { readAudit } from "../../workers/writer/audit/audit_record.ts";
import { ACCOUNT, FakeTerminal, quote } from "../support/fake_mt5.ts";
import { pythonWithNumpy } from "../support/python.ts";
import { runTask } from "../support/task_program.ts";
import { until } from "../support/until.ts";
import { readCaptured, tickFiles } from "./recorded.ts";
import { Rig } from "./rig.ts";

/** Audits as processes: by the command at a terminal, and by the writers themselves at night. */

const python = pythonWithNumpy();
const LONG = { timeoutMs: 60_000, intervalMs: 100 };

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Time and bid of each row, sorted. */
function rowsOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => readCaptured(path))
    .map(({ utcMs, bid }) => `${utcMs},${Number(bid)}`).sort();
}

function told(ticks: readonly Tick[]): string[] {
  return ticks.map(({ serverMs, bid }) => `${serverMs},${bid}`).sort();
}

/** What `verify` names: years without a tick between the days of this test are gaps, and no damage. */
async function damagesOf({ dataDir, dir }: Rig): Promise<unknown[]> {
  const { out, err } = await runTask("verify", [dataDir, "--json"], { ports: [], dir, env: {} });
  assert.equal(err, "");
  const differences: { severity: string }[] = JSON.parse(out).differences;
  return differences.filter(({ severity }) => severity !== "gap" && severity !== "note");
}

Deno.test({
  name: "an audit heals what a terminal had too late, and tells what it says otherwise now",
  ignore: python === undefined,
  async fn() {
    const fromMs = Date.UTC(2014, 4, 6, 20), midnightMs = Date.UTC(2014, 4, 7);
    const all = Array.from({ length: 1_000 }, (_, index) => {
      return quote(fromMs + index * 30_000, 1.3 + index / 100_000);
    });
    const isOfDay = ({ serverMs }: Tick) => serverMs < midnightMs;
    // Later than any overlap: only the terminal's history has them.
    const isLate = (tick: Tick) => isOfDay(tick) && tick.serverMs % 300_000 === 0;
    const captured = all.filter((tick) => !isLate(tick));
    const [removed, rewritten] = [captured.slice(40, 43), captured.slice(60, 64)];
    const now = all.filter((tick) => !removed.includes(tick))
      .map((tick) => rewritten.includes(tick) ? { ...tick, bid: tick.bid + 0.001 } : tick);
    await using terminal = await FakeTerminal.start({
      symbols: { EURUSDm: { ticks: Ticks.from(captured) } },
    });
    const settings = {
      ...{ SOURCE: "mt5", DATA_KIND: "raw", PYTHON: python ?? "", RECONNECT_MAX_MS: "300" },
      PYTHONPATH: fileURLToPath(new URL("../support/vendors", import.meta.url)),
      ...{ MT5_LOGIN: `${ACCOUNT.login}`, MT5_PASSWORD: ACCOUNT.password },
      ...{ MT5_SERVER: ACCOUNT.server, MT5_WARM_PAUSE_MS: "50" },
      FAKE_MT5: terminal.path("script.json"),
      ...{ BROKER_TZ: "America/New_York+7h", CAPTURE_FROM: "2014-05-06T00:00:00Z" },
    };
    await using rig = await Rig.open({
      ...{ shape: "processes", settings, interpreters: [python ?? ""], args: [] },
    });
    for (const role of ["bridge", "collector", "writer"] as const) rig.start(role);
    const day = `${rig.dataDir}/ticks/fx/EURUSD/2014-05-06`;
    await until(() => isThere(`${day}.csv`), LONG);
    const before = await Deno.readFile(`${day}.csv`);
    const audit = async () => {
      const { code, out, err } = await runTask("audit", ["--date", "2014-05-06", "--json"], {
        ...{ ports: [rig.ports.bridge], dir: rig.dir },
        env: {
          ...{ DATA_DIR: rig.dataDir, BRIDGE_PORT: `${rig.ports.bridge}` },
          BROKER_TZ: settings.BROKER_TZ,
        },
      });
      assert.equal(code, 1, err + out);
      return JSON.parse(out);
    };

    await rig.kill("bridge");
    const liveMs = Date.now() + 1_000;
    const live = Array.from({ length: 50 }, (_, index) => {
      return quote(liveMs + index * 20, 1.4 + index / 100_000);
    });
    await terminal.rewrite({ symbols: { EURUSDm: { ticks: Ticks.from([...now, ...live]) } } });
    rig.start("bridge");
    const late = all.filter(isLate), files = () => tickFiles(rig.dataDir, "EURUSD");
    await until(() => files().length >= 3, LONG);
    const found = await audit();
    assert.equal(found.outcome, "compared");
    assert.deepEqual([found.missed, found.added_later], [0, late.length]);
    assert.deepEqual([found.removed, found.rewritten], [removed.length, rewritten.length]);
    assert.equal(found.examples.removed[0].bid, removed[0]?.bid);
    assert.deepEqual(rowsOf([`${day}__1.csv`]), told(late));
    assert.deepEqual(await Deno.readFile(`${day}.csv`), before);

    const again = await audit();
    assert.deepEqual([again.added_later, again.removed, again.rewritten], [0, 3, 4]);
    assert.equal(isThere(`${day}__2.csv`), false);
    await until(() => rowsOf(files()).length >= all.length + live.length, LONG);
    for (const role of ["collector", "bridge", "writer"] as const) await rig.kill(role, "SIGTERM");
    assert.deepEqual(rowsOf(files()), told([...all, ...live]), "capture went on beside it");
    assert.deepEqual(await damagesOf(rig), []);
  },
});

Deno.test("two writers audit yesterday, each its symbols, though the bridge is away and one dies", async () => {
  const todayMs = startOfDayMs(dayOf(Date.now())), yesterday = dayOf(todayMs) - 1;
  const outageMs = todayMs - 14 * 3_600_000;
  const market = {
    ...{ SOURCE: "simulated", DATA_KIND: "simulated", SYMBOLS: "EURUSD,GBPUSD" },
    SIMULATED_FROM: new Date(todayMs - 86_400_000).toISOString(),
    ...{ SIMULATED_TICKS_PER_SECOND: "3", CAPTURE_FROM: new Date(0).toISOString() },
    // Two hours that the market's history has only later.
    SIMULATED_OUTAGE: `${new Date(outageMs).toISOString()}/7200`,
    RECONNECT_MAX_MS: "300",
  };
  await using rig = await Rig.open({ shape: "processes", settings: market, args: [] });
  const { gateway, health, bridge } = rig.ports;
  await using other = await Rig.open({
    ...{ shape: "processes", args: [], dir: rig.dir },
    settings: {
      ...{ ...market, DATA_DIR: rig.dataDir, GATEWAY_PORT: `${gateway}` },
      ...{ HEALTH_PORT: `${health}`, BRIDGE_PORT: `${bridge}` },
    },
  });
  const symbols = ["EURUSD", "GBPUSD"], name = dayName(yesterday);
  const part = (symbol: string, number = "") =>
    `${rig.dataDir}/ticks/fx/${symbol}/${name}${number}.csv`;
  rig.start("bridge", { SIMULATED_OUTAGE_HEALS: "0" });
  rig.start("collector");
  rig.start("writer", { AUDIT_AT: "off" });
  const isSealed = (symbol: string) => isThere(part(symbol)) && !isThere(`${part(symbol)}.open`);
  await until(() => symbols.every(isSealed), LONG);
  await rig.kill("writer");
  await rig.kill("bridge");

  const night = { AUDIT_AT: "00:00", WRITER_MAX_SYMBOLS: "1" };
  rig.start("writer", night);
  await until(() => /Cannot reach the bridge/.test(rig.output), LONG);
  await rig.kill("writer");
  rig.start("health");
  rig.start("bridge");
  // A writer that finds it away asks again only half an hour later.
  await until(() => rig.output.split("listening on").length > 2, LONG);
  rig.start("writer", { ...night, FAIL_POINT: "additions.manifest.after" });
  other.start("writer", night);
  assert.equal(await rig.ended("writer"), FAIL_POINT_EXIT_CODE, rig.output);
  rig.start("writer", night);
  const audits = () => Promise.all(symbols.map((one) => readAudit(rig.dataDir, one, yesterday)));
  await until(async () => (await audits()).every((audit) => audit?.status === "SUCCESS"), LONG);
  for (const [index, audit] of (await audits()).entries()) {
    const symbol = symbols[index] ?? "",
      ids = readCaptured(part(symbol, "__1")).map(({ id }) => id);
    assert.ok(ids.length > 500, `${ids.length} ticks of ${symbol} were missing`);
    assert.equal(isThere(part(symbol, "__2")), false);
    assert.equal(audit?.outcome, "compared");
  }
  let said = "";
  await until(async () => {
    const response = await fetch(`http://127.0.0.1:${health}/health/detailed`);
    said = await response.text();
    return said.includes(`audit of ${name}`);
  }, LONG);
  assert.match(said, /audit of [^;]*: 1 of 1 symbols compared; (EURUSD|GBPUSD): \d+ ticks added/);
  for (const one of [rig, other]) {
    await one.kill("writer", "SIGTERM");
  }
  for (const role of ["collector", "bridge"] as const) await rig.kill(role, "SIGTERM");
  assert.deepEqual(await damagesOf(rig), []);
});
