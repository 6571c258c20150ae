import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Tick, Ticks } from "../../lib/market/tick.ts";
import { pause } from "../../lib/program/pause.ts";
import { ACCOUNT, FakeTerminal, quote, recordedDay } from "../support/fake_mt5.ts";
import { pythonWithNumpy } from "../support/python.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";
import { isThere, readCaptured, tickFiles } from "./recorded.ts";
import { Rig } from "./rig.ts";

/** The whole way from a terminal that keeps every bad habit to the files, program by program. */

const OANDA = "ticks/lean_oanda/tick/eurusd", FXCM = "ticks/lean_fxcm/tick/eurusd";
const DAYS = ["20140504", "20140506", "20140509"];
const FXCM_BEHIND_MS = 5 * 3_600_000;
const python = pythonWithNumpy();
const ignore = python === undefined || !isThere(`${OANDA}/20140506_quote.zip`) ||
  !isThere(`${FXCM}/20140506_quote.zip`);

const COMMON = {
  ...{ DATA_KIND: "raw", PYTHON: python ?? "", RECONNECT_MAX_MS: "300" },
  PYTHONPATH: fileURLToPath(new URL("../support/vendors", import.meta.url)),
};
const LOGIN = {
  ...COMMON,
  SOURCE: "mt5",
  ...{ MT5_LOGIN: `${ACCOUNT.login}`, MT5_PASSWORD: ACCOUNT.password, MT5_SERVER: ACCOUNT.server },
  ...{ MT5_WARM_PAUSE_MS: "50", DRIVER_CALL_LIMIT_MS: "3000" },
};

function rigOf(settings: Readonly<Record<string, string>>): Promise<Rig> {
  return Rig.open({ shape: "processes", settings, interpreters: [python ?? ""], args: [] });
}

/** All days of a recording, in UTC. */
async function recorded(folder: string, behindMs: number): Promise<Tick[]> {
  const days = await Promise.all(DAYS.map((day) => {
    const [, year = "", month = "", date = ""] = /^(....)(..)(..)$/.exec(day) ?? [];
    const midnightMs = Date.UTC(Number(year), Number(month) - 1, Number(date)) + behindMs;
    return recordedDay(`${folder}/${day}_quote.zip`, midnightMs);
  }));
  return days.flat();
}

/** Stamp and prices as a multiset: equal milliseconds may have come in another order. */
function rowsOf(ticks: readonly Tick[]): string[] {
  return ticks.map(({ serverMs, bid, ask }) => `${serverMs},${bid},${ask}`).sort();
}

function rowsIn(rig: Rig, symbol: string): string[] {
  return tickFiles(rig.dataDir, symbol).flatMap((path) => readCaptured(path))
    .map(({ utcMs, bid, ask }) => `${utcMs},${Number(bid)},${Number(ask)}`).sort();
}

async function untilCaptured(rig: Rig, counts: Readonly<Record<string, number>>): Promise<void> {
  await until(() => {
    return Object.entries(counts).every(([symbol, count]) => linesIn(rig, symbol) >= count);
  }, { timeoutMs: 120_000, intervalMs: 200 });
}

/** While the writer writes a file may end in the middle of a row. */
function linesIn(rig: Rig, symbol: string): number {
  return tickFiles(rig.dataDir, symbol)
    .map((path) => Deno.readTextFileSync(path).split("\n").length - 2)
    .reduce((sum, lines) => sum + Math.max(0, lines), 0);
}

Deno.test({
  name: "recorded days of a terminal with every bad habit are captured exactly, whatever is killed",
  ignore,
  async fn() {
    const oanda = await recorded(OANDA, 0), fxcm = await recorded(FXCM, FXCM_BEHIND_MS);
    const flagsOnly = quote(oanda[100]?.serverMs ?? 0, 0, 0, 2);
    // The places of the markers are known once there is a folder.
    await using terminal = await FakeTerminal.start({ symbols: {} });
    const marked = (name: string) => ({ marker: terminal.path(name) });
    await terminal.rewrite({
      reorderSeed: 7,
      symbols: {
        EURUSDm: {
          ticks: Ticks.from([...oanda.slice(0, 101), flagsOnly, ...oanda.slice(101)]),
          warmUp: { reads: 3 },
        },
        "GBPUSD.r": { ticks: Ticks.from(fxcm), quoteless: 2 },
      },
      faults: [
        { fn: "initialize", kind: "none", code: -10003, ...marked("initialize") },
        ...[-1, -2, -10001, -10004, -10005].map((code, index) => ({
          ...{ fn: "copy_ticks_from", from: 3 + 5 * index, kind: "none", code },
          ...marked(`none${code}`),
        })),
        { fn: "copy_ticks_from", from: 9, kind: "provisional", code: -1, rows: 17 },
        { fn: "copy_ticks_from", from: 12, kind: "hang", ...marked("hang") },
        { fn: "copy_ticks_from", from: 16, kind: "segv", ...marked("segv") },
      ],
    });
    await using rig = await rigOf({
      ...LOGIN,
      FAKE_MT5: terminal.path("script.json"),
      BROKER_TZ: "America/New_York+7h",
      CAPTURE_FROM: "2014-05-01T00:00:00Z",
      MT5_PAGE_TICKS: "7000",
    });
    for (const role of ["bridge", "collector", "writer"] as const) rig.start(role);
    await until(() => linesIn(rig, "EURUSD") > 0, { timeoutMs: 60_000 });
    await rig.kill("bridge");
    rig.start("bridge");
    await until(() => linesIn(rig, "GBPUSD") > 10_000, { timeoutMs: 60_000 });
    await rig.kill("collector");
    rig.start("collector");
    await untilCaptured(rig, { EURUSD: oanda.length, GBPUSD: fxcm.length });
    // Whatever came twice would come now.
    await pause(1_000);
    for (const role of ["collector", "bridge", "writer"] as const) await rig.kill(role, "SIGTERM");
    assert.deepEqual(rowsIn(rig, "EURUSD"), rowsOf(oanda));
    assert.deepEqual(rowsIn(rig, "GBPUSD"), rowsOf(fxcm));
    assert.doesNotMatch(rig.output, new RegExp(ACCOUNT.password));
    const dead = [...Deno.readDirSync(`${rig.dataDir}/metadata/dead_letters`)];
    assert.ok(dead.length > 0, "the tick of flags alone is told");
  },
});

Deno.test({
  name: "a live terminal's clock is learned, and nothing is stamped before it is",
  ignore,
  async fn() {
    const fromMs = Date.now() - 5_000, count = 2_500;
    const live = Array.from({ length: count }, (_, index) => {
      return quote(fromMs + index * 10, 1 + index / 100_000);
    });
    await using terminal = await FakeTerminal.start({
      symbols: { EURUSDm: { ticks: Ticks.from(live) } },
    });
    await using rig = await rigOf({
      ...LOGIN,
      FAKE_MT5: terminal.path("script.json"),
      // At a weekend too.
      CLOCK_CLOSED_APART_MS: "5000",
      CAPTURE_FROM: new Date(fromMs).toISOString(),
    });
    for (const role of ["bridge", "collector", "writer"] as const) rig.start(role);
    await untilCaptured(rig, { EURUSD: count });
    for (const role of ["collector", "bridge", "writer"] as const) await rig.kill(role, "SIGTERM");
    assert.deepEqual(rowsIn(rig, "EURUSD"), rowsOf(live));
    const ledger = await Deno.readTextFile(`${rig.dataDir}/metadata/server_clock.json`);
    assert.match(ledger, /mt5:Fake-Demo/);
  },
});

Deno.test({
  name:
    "a ForexConnect feed is captured exactly over a reconnect, a lost session and a killed bridge",
  ignore,
  async fn() {
    const beforeMs = 600_000, liveMs = 25_000;
    const fromMs = Math.floor((Date.now() - beforeMs) / 1000) * 1000;
    const noonMs = Date.UTC(2014, 4, 6, 12);
    const ticks = (await recorded(FXCM, FXCM_BEHIND_MS))
      .filter(({ serverMs }) => serverMs >= noonMs && serverMs < noonMs + beforeMs + liveMs)
      .map((tick) => ({ ...tick, serverMs: tick.serverMs - noonMs + fromMs }));
    assert.ok(ticks.length > 500);
    await using folder = await tempFolder();
    const csv = ticks.map(({ serverMs, bid, ask }) => `${serverMs},${bid},${ask}\n`).join("");
    await Deno.writeTextFile(`${folder.path}/ticks.csv`, csv);
    await using rig = await rigOf({
      ...COMMON,
      SOURCE: "fxcm",
      ...{ FXCM_USERNAME: "D1", FXCM_PASSWORD: "pass 4711", FXCM_NEWEST_PYTHON: "3.99" },
      // At a weekend the lost session counts as closed.
      ...{ FXCM_CLOSED_RETRY_MS: "300", FXCM_SETTLE_MS: "100" },
      FAKE_FOREXCONNECT: JSON.stringify({
        ticks: { "EUR/USD": `${folder.path}/ticks.csv` },
        login: { password: "pass 4711" },
        statuses: [
          { afterMs: 3_000, status: "RECONNECTING" },
          { afterMs: 5_000, status: "CONNECTED" },
          { afterMs: 8_000, status: "SESSION_LOST" },
        ],
      }),
      CAPTURE_FROM: new Date(fromMs).toISOString(),
    });
    for (const role of ["bridge", "collector", "writer"] as const) rig.start(role);
    await until(() => Date.now() > fromMs + beforeMs + 14_000);
    await rig.kill("bridge");
    rig.start("bridge");
    await untilCaptured(rig, { EURUSD: ticks.length });
    // Whatever came twice would come now.
    await pause(1_000);
    for (const role of ["collector", "bridge", "writer"] as const) await rig.kill(role, "SIGTERM");
    const seconds = ticks.map((tick) => {
      return { ...tick, serverMs: Math.floor(tick.serverMs / 1000) * 1000 };
    });
    assert.deepEqual(rowsIn(rig, "EURUSD"), rowsOf(seconds));
    assert.doesNotMatch(rig.output, /4711/);
  },
});
