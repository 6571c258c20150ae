import assert from "node:assert/strict";
import type { Ticks } from "../../lib/market/tick.ts";
import { isFxWeekOpen } from "../../lib/time/fx_week.ts";
import { isThere, readQuoteDay, type RecordedTick } from "../flow/recorded.ts";
import { DriverClient, DriverFailure } from "../support/driver_client.ts";
import { pythonWithNumpy } from "../support/python.ts";
import { tempFolder } from "../support/temp_folder.ts";

const PYTHON = pythonWithNumpy();
const BRIDGE = new URL("../../bridge/", import.meta.url);
const VENDORS = pathOf(new URL("../support/vendors/", import.meta.url));
const QUOTES = "ticks/lean_fxcm/tick/eurusd/";
/** The recordings keep New York's winter time all year. */
const RECORDED_OFFSET_MS = -5 * 3_600_000;
const EURUSD = "EUR/USD";
const PASSWORD = "secret-4711";
const SETTINGS = {
  user: "D123",
  password: PASSWORD,
  settleMs: 150,
  historyLagMs: 500,
  closedRetryMs: 30,
};
const TUESDAY = Date.UTC(2014, 4, 6, 12), SUNDAY_22H = Date.UTC(2014, 4, 4, 22);
const SATURDAY = Date.UTC(2014, 4, 10, 12);
const HOUR_MS = 3_600_000;

const needs = (...days: string[]) => ({
  ignore: PYTHON === undefined || !days.every((day) => isThere(`${QUOTES}${day}_quote.zip`)),
});

Deno.test("captures a recorded Sunday exactly, with no seam", needs("20140504"), async () => {
  const source = between(recorded("20140504"), 0, SUNDAY_22H + 4 * HOUR_MS);
  await using driver = await start({
    nowUtcMs: SUNDAY_22H,
    speed: 6000,
    ticks: source,
  });
  await driver.client.open(SETTINGS);
  await driver.client.watch(EURUSD);
  const history = await driver.client.history(EURUSD, secondOf(source[0]?.utcMs));
  assert(history.count > 100);
  await driver.client.until(() => history.count + driver.client.liveCount(EURUSD) >= source.length);
  assert.deepEqual([...keys(history), ...keys(driver.client.live(EURUSD))], source.map(keyOf));
});

Deno.test("ends each page of a long day between two seconds", needs("20140509"), async () => {
  const source = recorded("20140509");
  await using driver = await start({ nowUtcMs: SATURDAY, ticks: source });
  await driver.client.open({ ...SETTINGS, settleMs: 1 });
  await driver.client.watch(EURUSD);
  // Nothing waits once the symbol's seam is closed.
  await driver.client.history(EURUSD, secondOf(source.at(-1)?.utcMs));
  const captured: string[] = [];
  let pages = 0;
  for (let from: number | null = secondOf(source[0]?.utcMs); from !== null; pages++) {
    const page = await driver.client.page(EURUSD, from);
    assert.equal(page.waitMs, undefined);
    captured.push(...keys(page.ticks));
    if (page.nextServerMs !== null) {
      assert.equal(page.nextServerMs % 1000, 0);
      const last = page.ticks.count > 0 ? page.ticks.serverMs(page.ticks.count - 1) : 0;
      assert(last < page.nextServerMs);
    }
    from = page.nextServerMs;
  }
  assert.deepEqual(captured, source.map(keyOf));
  assert(pages > 3);
});

Deno.test("is quick through the years before the first tick", needs("20140509"), async () => {
  const source = recorded("20140509").slice(-5000);
  await using driver = await start({ nowUtcMs: SATURDAY, ticks: source });
  await driver.client.open({ ...SETTINGS, settleMs: 1 });
  await driver.client.watch(EURUSD);
  await driver.client.history(EURUSD, secondOf(source.at(-1)?.utcMs));
  const captured: string[] = [];
  let pages = 0;
  for (let from: number | null = 0; from !== null; pages++) {
    const page = await driver.client.page(EURUSD, from);
    captured.push(...keys(page.ticks));
    from = page.nextServerMs;
  }
  assert.deepEqual(captured, source.map(keyOf));
  assert(pages < 1000, `${pages} pages`);
});

Deno.test("reads conflated ticks again as they were delivered", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - HOUR_MS, TUESDAY + 90_000);
  await using driver = await start({
    nowUtcMs: TUESDAY,
    speed: 16,
    ticks: source,
    conflateMs: 900,
  });
  await driver.client.open(SETTINGS);
  await driver.client.watch(EURUSD);
  const first = await driver.client.history(EURUSD, TUESDAY - HOUR_MS);
  await driver.client.until(() => driver.client.liveCount(EURUSD) >= 15);
  const live = keys(driver.client.live(EURUSD));
  const again = keys(await driver.client.history(EURUSD, TUESDAY - HOUR_MS));
  const delivered = [...keys(first), ...live];
  assert.deepEqual(again.slice(0, delivered.length), delivered);
  // Less than history has: what the conflated offers never showed does not turn up later.
  assert(again.length < source.length);
});

Deno.test(
  "tells a tick live as history tells it to the next process",
  needs("20140506"),
  async () => {
    const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY + 30_000);
    const payloads = (ticks: Ticks) =>
      Array.from({ length: ticks.count }, (_, at) => ticks.payloadKey(at));
    const captured: string[] = [];
    {
      await using driver = await start({ nowUtcMs: TUESDAY, speed: 40, ticks: source });
      await driver.client.open(SETTINGS);
      await driver.client.watch(EURUSD);
      const history = await driver.client.history(EURUSD, TUESDAY - 60_000);
      const live = () => driver.client.live(EURUSD);
      await driver.client.until(() => history.count + live().count >= source.length);
      captured.push(...payloads(history), ...payloads(live()));
    }
    await using driver = await start({ nowUtcMs: TUESDAY + HOUR_MS, ticks: source });
    await driver.client.open(SETTINGS);
    await driver.client.watch(EURUSD);
    assert.deepEqual(payloads(await driver.client.history(EURUSD, TUESDAY - 60_000)), captured);
  },
);

Deno.test("fills a hole from history before any newer tick", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY + 60_000);
  await using driver = await start({
    nowUtcMs: TUESDAY,
    speed: 20,
    ticks: source,
    historyLagMs: 3_000,
    statuses: [
      { afterMs: 12_000, status: "RECONNECTING" },
      { afterMs: 24_000, status: "CONNECTED" },
      { afterMs: 32_000, status: "PRICE_SESSION_RECONNECTING" },
      { afterMs: 40_000, status: "CONNECTED" },
    ],
  });
  await driver.client.open(SETTINGS);
  await driver.client.watch(EURUSD);
  const history = await driver.client.history(EURUSD, TUESDAY - 60_000);
  await driver.client.until(() => history.count + driver.client.liveCount(EURUSD) >= source.length);
  assert.deepEqual(
    [...keys(history), ...keys(driver.client.live(EURUSD))],
    source.map(keyOf),
  );
  const states = driver.client.saidOf("feed");
  assert.deepEqual(states.map(({ state }) => state), ["down", "up", "down", "up"]);
  const outage = (states[1]?.nowUtcMs ?? 0) - (states[0]?.nowUtcMs ?? 0);
  assert(outage > 10_000 && outage < 14_000);
  assert.match(
    driver.client.stderr,
    /[1-9]\d* ticks of EUR\/USD since \d+ were read from tick history/,
  );
});

Deno.test("heals from history what a full queue dropped", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY + 600_000);
  const instruments = [EURUSD, "GBP/USD"];
  await using driver = await start({ nowUtcMs: TUESDAY, speed: 300, ticks: source, instruments });
  await driver.client.open({ ...SETTINGS, maxQueuedOffers: 2 });
  await driver.client.watch(...instruments);
  for (const instrument of instruments) {
    const history = await driver.client.history(instrument, TUESDAY - 60_000);
    const captured = () => [...keys(history), ...keys(driver.client.live(instrument))];
    await driver.client.until(() =>
      history.count + driver.client.liveCount(instrument) >= source.length
    );
    // Within a second that was half delivered, what fills it comes after what was delivered.
    const stamps = captured().map((key) => key.split(",")[0]);
    assert.deepEqual(stamps, source.map(({ utcMs }) => String(secondOf(utcMs))));
    assert.deepEqual(captured().sort(), source.map(keyOf).sort());
  }
  assert.match(driver.client.stderr, /queue of offers was full: \d+ of EUR\/USD/);
});

Deno.test("takes a change of other columns for no tick", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY + 30_000);
  await using driver = await start({
    nowUtcMs: TUESDAY,
    speed: 40,
    ticks: source,
    otherColumnsChange: true,
  });
  await driver.client.open(SETTINGS);
  await driver.client.watch(EURUSD);
  const history = await driver.client.history(EURUSD, TUESDAY - 60_000);
  await driver.client.until(() => history.count + driver.client.liveCount(EURUSD) >= source.length);
  await present(driver.client);
  assert.deepEqual([...keys(history), ...keys(driver.client.live(EURUSD))], source.map(keyOf));
});

Deno.test("delivers ticks that are ahead of the machine's clock", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY + 30_000);
  await using driver = await start({
    nowUtcMs: TUESDAY,
    speed: 40,
    ticks: source,
    clockBehindMs: 45_000,
  });
  await driver.client.open(SETTINGS);
  await driver.client.watch(EURUSD);
  const history = await driver.client.history(EURUSD, TUESDAY - 60_000);
  await driver.client.until(() => history.count + driver.client.liveCount(EURUSD) >= source.length);
  assert.deepEqual([...keys(history), ...keys(driver.client.live(EURUSD))], source.map(keyOf));
});

Deno.test("tells the present, its newest tick once, and beats", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY + 8_000);
  await using driver = await start({ nowUtcMs: TUESDAY, speed: 10, ticks: source });
  await driver.client.open(SETTINGS);
  assert.deepEqual(driver.client.saidOf("present"), []);
  await driver.client.watch(EURUSD);
  await driver.client.until(() => driver.client.saidOf("present").length >= 4);
  const told = driver.client.saidOf("present");
  for (const { nowUtcMs, watermarkUtcMs } of told) {
    assert.equal(watermarkUtcMs % 1000, 0);
    // A tick of the last settleMs may still be on its way.
    const behindMs = nowUtcMs - watermarkUtcMs;
    assert(behindMs >= SETTINGS.settleMs && behindMs < 1000 + SETTINGS.settleMs);
  }
  const newest = told.map(({ newestServerMs }) => newestServerMs).filter((ms) => ms !== null);
  assert.deepEqual(newest, [...new Set(newest)].sort());
  assert(newest.includes(secondOf(source.at(-1)?.utcMs)));
  assert.equal(told.at(-1)?.newestServerMs, null);
  assert(driver.client.sinceBeatMs < 1_900);
});

Deno.test("packs a tick with nothing that the vendor leaves out", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY);
  for (const [tickResolution, step] of [["s", 1000], ["ms", 1]] as const) {
    await using driver = await start({ nowUtcMs: TUESDAY, ticks: source, historyHasMs: true });
    const opened = await driver.client.open({ ...SETTINGS, tickResolution });
    assert.equal(opened.facts.tickResolution, tickResolution);
    await driver.client.watch(EURUSD);
    const ticks = await driver.client.history(EURUSD, TUESDAY - 60_000);
    const { utcMs = 0, bid = "", ask = "" } = source[0] ?? {};
    const serverMs = Math.floor(utcMs / step) * step;
    assert.deepEqual(ticks.get(0), {
      serverMs,
      bid: Number(bid),
      ask: Number(ask),
      last: NaN,
      volume: NaN,
      flags: 6,
    });
    assert.equal(ticks.utcMs(0), Math.floor(serverMs / 1000));
  }
});

Deno.test("asks to wait while history stays behind the offers", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY + 120_000);
  await using driver = await start({
    nowUtcMs: TUESDAY,
    speed: 10,
    ticks: source,
    historyLagMs: 4_000,
  });
  await driver.client.open({ ...SETTINGS, historyLagMs: 5_000 });
  await driver.client.watch(EURUSD);
  assert.equal((await driver.client.page(EURUSD, "now")).nextServerMs, null);
  const waited = await driver.client.page(EURUSD, TUESDAY - 60_000);
  assert(waited.waitMs !== undefined && waited.ticks.count === 0);
  const history = await driver.client.history(EURUSD, TUESDAY - 60_000);
  const live = keys(driver.client.live(EURUSD));
  const captured = [...keys(history), ...live];
  assert.deepEqual(captured, source.slice(0, captured.length).map(keyOf));
});

Deno.test("waits for history, and takes none for nothing", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY - 30_000);
  const notReady = "PriceHistoryCommunicator is not ready";
  await using driver = await start({
    nowUtcMs: TUESDAY,
    ticks: source,
    historyFaults: [notReady, null, null, notReady, notReady],
  });
  await driver.client.open({ ...SETTINGS, settleMs: 1 });
  await driver.client.watch(EURUSD);
  await present(driver.client);
  const waited = await driver.client.page(EURUSD, TUESDAY - 60_000);
  assert.deepEqual([waited.nextServerMs, waited.waitMs], [TUESDAY - 60_000, 30]);
  assert.equal((await driver.client.history(EURUSD, TUESDAY - 60_000)).count, source.length);
  assert.equal((await bars(driver.client, "1m", TUESDAY - 60_000, TUESDAY)).length, 1);
  const empty = await driver.client.page(EURUSD, TUESDAY - 48 * HOUR_MS);
  assert.equal(empty.ticks.count, 0);
  assert.deepEqual(await bars(driver.client, "1m", 0, HOUR_MS), []);
});

Deno.test("tells a failed call from a session that is gone", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY);
  const http = "QuotesManager error: HTTP request failed object='/pricearchive/catalog.xml' " +
    "errorCode=28 code: QuotesServerConnectionError subcode: 28";
  await using driver = await start({
    nowUtcMs: TUESDAY + 60_000,
    ticks: source,
    historyFaults: [http, "Session is not valid"],
  });
  await driver.client.open({ ...SETTINGS, settleMs: 1 });
  await driver.client.watch(EURUSD);
  await present(driver.client);
  const read = () => driver.client.page(EURUSD, TUESDAY - HOUR_MS);
  assert.equal((await failure(read())).code, "vendor");
  assert.deepEqual(driver.client.saidOf("lost"), []);
  assert.equal((await failure(read())).code, "session");
  assert.equal(driver.client.saidOf("lost")[0]?.closed, false);
  assert.equal((await driver.client.close()).code, 0);
});

Deno.test("beats while a history call spins, then gives up", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY + 60_000);
  await using driver = await start({
    nowUtcMs: TUESDAY,
    ticks: source,
    historyFaults: ["hang"],
  });
  await driver.client.open({ ...SETTINGS, historyTimeoutMs: 2_500 });
  await driver.client.watch(EURUSD);
  const failed = await failure(driver.client.page(EURUSD, TUESDAY - 10 * HOUR_MS));
  assert.equal(failed.code, "session");
  assert.match(failed.message, /tick history of EUR\/USD did not end within 2.5 s/);
  assert(driver.client.sinceBeatMs < 1_900);
  assert(driver.client.saidOf("present").length >= 4);
  assert.equal((await driver.client.status).code, 3);
  assert.match(driver.client.saidOf("lost")[0]?.reason ?? "", /did not end/);
  assert.deepEqual(driver.leftovers(), []);
});

for (
  const [status, nowUtcMs, closed] of [
    ["SESSION_LOST", TUESDAY, false],
    ["DISCONNECTED", TUESDAY, false],
    ["SESSION_LOST", SATURDAY, true],
  ] as const
) {
  Deno.test(
    `tells that a session with ${status} is lost, ${closed ? "as announced" : "as a failure"}`,
    needs(),
    async () => {
      await using driver = await start({ nowUtcMs, statuses: [{ afterMs: 50, status }] });
      await driver.client.open(SETTINGS);
      await driver.client.until(() => driver.client.saidOf("lost").length > 0);
      assert.deepEqual(driver.client.saidOf("lost").map((lost) => lost.closed), [closed]);
      assert.equal((await driver.client.close()).code, 0);
    },
  );
}

for (
  const { what, login, settings, nowUtcMs = TUESDAY, code, message } of [
    {
      what: "wrong credentials",
      login: { password: "another" },
      code: "login",
      message: /refused the login: ORA-20112.*Check user, password and connection/,
    },
    {
      what: "an unknown connection",
      login: { error: "User or connection doesn't exist." },
      code: "login",
      message: /Demo or Real/,
    },
    { what: "no connection", login: { error: "Not connected" }, code: "session", message: /Not/ },
    {
      what: "no connection at the weekend",
      login: { error: "Not connected" },
      nowUtcMs: SATURDAY,
      code: "closed",
      message: /closed: Not connected/,
    },
    {
      what: "wrong credentials at the weekend",
      login: { password: "another" },
      nowUtcMs: SATURDAY,
      code: "login",
      message: /At the weekend/,
    },
    {
      what: "maintenance",
      login: { error: "The system is under maintenance" },
      code: "closed",
      message: /maintenance/,
    },
    {
      what: "a server that does not answer",
      login: { statuses: ["CONNECTING"], waitMs: 50 },
      code: "session",
      message: /Wait timeout exceeded/,
    },
    {
      what: "tables that do not load",
      login: { tables: "TABLES_LOAD_FAILED" },
      code: "session",
      message: /Table manager not ready/,
    },
    {
      what: "several databases",
      login: { statuses: ["CONNECTING", "TRADING_SESSION_REQUESTED", "CONNECTED"], waitMs: 50 },
      code: "login",
      message: /sessionId/,
    },
    {
      what: "a password that must be changed",
      login: { statuses: ["CONNECTING", "CONNECTED_WITH_NEED_TO_CHANGE_PASSWORD"], waitMs: 50 },
      code: "login",
      message: /new password/,
    },
    {
      what: "a login that hangs",
      login: { hang: true },
      settings: { loginTimeoutMs: 1500 },
      code: "session",
      message: /the login did not end within 1.5 s/,
    },
  ]
) {
  Deno.test(`answers a login with ${what} as ${code}`, needs(), async () => {
    await using driver = await start({ nowUtcMs, login });
    const failed = await failure(driver.client.open({ ...SETTINGS, ...settings }));
    assert.equal(failed.code, code);
    assert.match(failed.message, message);
    assert(!`${failed.message}${driver.client.stderr}`.includes(PASSWORD));
  });
}

Deno.test("names its session to a server that asks for one", needs(), async () => {
  await using driver = await start({
    nowUtcMs: TUESDAY,
    login: { statuses: ["CONNECTING", "TRADING_SESSION_REQUESTED", "CONNECTED"] },
  });
  const opened = await driver.client.open({ ...SETTINGS, connection: "Real", sessionId: "U10D2" });
  assert.deepEqual(
    [opened.server, opened.clock, opened.account],
    ["FXCM-Real", "utc", { id: "00654061", currency: "" }],
  );
  assert.equal(opened.facts.openPriceMode, "FIRST_TICK");
  await driver.client.ask("checked", { type: "check" });
  assert.equal((await failure(driver.client.open(SETTINGS))).code, "bad_request");
});

Deno.test("names the setting that it cannot use, never its secrets", needs(), async () => {
  for (
    const [settings, name] of [
      [{ password: PASSWORD }, "user"],
      [{ user: "D1" }, "password"],
      [{ user: "D1", password: 4711 }, "password"],
      [{ ...SETTINGS, connection: "Live" }, "connection"],
      [{ ...SETTINGS, tickResolution: "us" }, "tickResolution"],
      [{ ...SETTINGS, historyTimeoutMs: 0 }, "historyTimeoutMs"],
    ] as const
  ) {
    await using driver = await start({ nowUtcMs: TUESDAY });
    const failed = await failure(driver.client.open(settings));
    assert.equal(failed.code, "bad_request");
    assert.match(failed.message, new RegExp(`the setting ${name} `));
    assert(!failed.message.includes("4711"));
  }
});

Deno.test("says what to install when the package or numpy is missing", needs(), async () => {
  for (
    const [env, message] of [
      [{ PYTHONPATH: "" }, /forexconnect.*(Python 3\.7|pip install forexconnect)/],
      [{ PYTHONPATH: "broken" }, /pip install numpy/],
    ] as const
  ) {
    await using folder = await tempFolder();
    await Deno.mkdir(`${folder.path}/broken/numpy`, { recursive: true });
    await Deno.writeTextFile(`${folder.path}/broken/numpy/__init__.py`, "raise ImportError('no')");
    const path = env.PYTHONPATH === "" ? "" : `${folder.path}/${env.PYTHONPATH}`;
    await using client = DriverClient.start({
      python: PYTHON ?? "",
      script: pathOf(new URL("forexconnect.py", BRIDGE)),
      env: { PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: "1" },
    });
    const failed = await failure(client.open(SETTINGS));
    assert.equal(failed.code, "unusable");
    assert.match(failed.message, message);
    assert.equal((await client.close()).code, 0);
  }
});

Deno.test("describes every offer by all its columns", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY);
  await using driver = await start({
    nowUtcMs: TUESDAY,
    ticks: source,
    offers: [{ instrument: EURUSD }, { instrument: "US30", digits: 2, status: "D" }],
  });
  await driver.client.open(SETTINGS);
  const { symbols } = await driver.client.ask("symbols", { type: "symbols" });
  assert.deepEqual(symbols.map(({ rawName, digits }) => [rawName, digits]), [
    [EURUSD, 5],
    ["US30", 2],
  ]);
  const fields = symbols[0]?.fields ?? {};
  assert.equal(fields.SubscriptionStatus, "T");
  assert.equal(fields.High, null);
  assert.equal(
    fields.Time,
    new Date(secondOf(source.at(-1)?.utcMs))
      .toISOString().slice(0, 19),
  );
  assert.equal(Object.keys(fields).length, 22);
});

Deno.test("watches all of the named symbols or none", needs(), async () => {
  await using driver = await start({
    nowUtcMs: TUESDAY,
    offers: [{ instrument: EURUSD }, { instrument: "US30", status: "D" }],
  });
  await driver.client.open(SETTINGS);
  const unknown = await failure(driver.client.watch(EURUSD, "EURUSD"));
  assert.deepEqual([unknown.code, /no EURUSD; names are like EUR\/USD/.test(unknown.message)], [
    "not_found",
    true,
  ]);
  const idle = await failure(driver.client.watch(EURUSD, "US30"));
  assert.deepEqual([idle.code, /US30 \(status D\)/.test(idle.message)], ["bad_request", true]);
  assert.equal((await failure(driver.client.page(EURUSD, "now"))).code, "bad_request");
  await driver.client.watch(EURUSD);
  await driver.client.send({ type: "unwatch", indexes: [0] });
  assert.equal((await failure(driver.client.page(EURUSD, "now"))).code, "bad_request");
});

Deno.test("gives bars of bids, never the one that forms", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - HOUR_MS, TUESDAY + 90_000);
  const begin = TUESDAY - HOUR_MS, now = TUESDAY + 30_000;
  const expected = (openMs: number, opened?: number) => {
    const bids = between(source, openMs, openMs + 60_000).map(({ bid }) => Number(bid));
    const open = opened ?? bids[0] ?? NaN;
    const all = [open, ...bids];
    return [openMs, open, Math.max(...all), Math.min(...all), bids.at(-1), bids.length];
  };
  for (const openPriceMode of ["FIRST_TICK", "PREVIOUS_CLOSE"]) {
    await using driver = await start({ nowUtcMs: now, ticks: source });
    await driver.client.open({ ...SETTINGS, openPriceMode });
    const minutes = await bars(driver.client, "1m", begin, TUESDAY + HOUR_MS);
    assert.equal(minutes.length, 60);
    const before = between(source, begin, begin + 60_000).at(-1);
    const opened = openPriceMode === "FIRST_TICK" ? undefined : Number(before?.bid);
    assert.deepEqual(minutes[1], expected(begin + 60_000, opened));
    const few = await bars(driver.client, "1m", begin + 60_000, begin + 180_000);
    assert.deepEqual(few.map(([openMs]) => openMs), [begin + 60_000, begin + 120_000]);
    const calls = await bars(driver.client, "1m", begin - 40_000 * 60_000, now);
    assert.deepEqual(calls, minutes);
    assert.deepEqual(await bars(driver.client, "1MIN", begin, TUESDAY + HOUR_MS), minutes);
    assert.deepEqual(await bars(driver.client, "1D", begin - 24 * HOUR_MS, now), []);
  }
  await using driver = await start({ nowUtcMs: now, ticks: source });
  await driver.client.open(SETTINGS);
  assert.equal((await failure(bars(driver.client, "2m", begin, now))).code, "bad_request");
  const unknown = {
    type: "bars",
    rawName: "X/Y",
    timeframe: "1m",
    fromServerMs: 0,
    toServerMs: 1,
  };
  assert.equal((await failure(driver.client.ask("bars", unknown))).code, "not_found");
});

Deno.test("ends with the vendor's crash, whole frames first", needs("20140506"), async () => {
  const source = between(recorded("20140506"), TUESDAY - 60_000, TUESDAY + 60_000);
  await using driver = await start({
    nowUtcMs: TUESDAY,
    speed: 20,
    ticks: source,
    abortAfterOffers: 100,
  });
  await driver.client.open(SETTINGS);
  await driver.client.watch(EURUSD);
  const { signal, success } = await driver.client.status;
  assert.deepEqual([signal, success], ["SIGABRT", false]);
});

Deno.test("ends disconnected, and leaves nothing behind", needs(), async () => {
  await using driver = await start({ nowUtcMs: TUESDAY, logoutMs: 300 });
  await driver.client.open(SETTINGS);
  assert.deepEqual(driver.leftovers().length, 1);
  const { code, signal } = await driver.client.close();
  assert.deepEqual([code, signal], [0, null]);
  assert.deepEqual(driver.leftovers(), []);
});

Deno.test("is valid Python 3.7 and knows no way to place an order", async () => {
  const parts = [...Deno.readDirSync(new URL("terminals/", BRIDGE))].map(({ name }) => name)
    .filter((name) => /^(forexconnect.*|fx_week)\.py$/.test(name));
  const files = ["forexconnect.py", "frames.py", ...parts.map((name) => `terminals/${name}`)];
  assert(files.length >= 10);
  const orders = /order|send_request|create_request|O2GRequest|set_stop|open_position|trade_id/i;
  for (const name of files) {
    const code = Deno.readTextFileSync(new URL(name, BRIDGE));
    // The word itself stands in sentences about sequence, which are no code.
    const calls = code.replace(/"""[\s\S]*?"""|#.*$/gm, "");
    assert.doesNotMatch(calls, orders, name);
  }
  await vermin(files);
});

Deno.test("knows New York's clock as the time zone database does", needs(), async () => {
  const hours = 24 * 3000, beginMs = Date.UTC(2019, 0, 1);
  const zoned = (year: number, month: number, day: number) =>
    Temporal.ZonedDateTime.from(
      { timeZone: "America/New_York", year, month, day, hour: 17 },
    );
  const days = [zoned(2024, 3, 3), zoned(2024, 10, 27), zoned(2024, 12, 29), zoned(2025, 3, 9)];
  const months = [zoned(2024, 1, 31), zoned(2024, 2, 29), zoned(2024, 10, 31), zoned(2024, 11, 30)];
  const code = `
import json, sys
sys.path.insert(0, sys.argv[1])
from fx_week import after_days, after_month, is_weekend
days, months = json.loads(sys.argv[2])
print("".join(str(int(is_weekend(${beginMs} + hour * 3600000))) for hour in range(${hours})))
print(json.dumps([[after_days(ms, 7) for ms in days], [after_month(ms) for ms in months]]))
`;
  const opens = [days, months].map((all) => all.map(({ epochMilliseconds }) => epochMilliseconds));
  const { stdout, stderr } = await new Deno.Command(PYTHON ?? "", {
    args: ["-B", "-c", code, pathOf(new URL("terminals/", BRIDGE)), JSON.stringify(opens)],
  }).output();
  const [weekends = "", ends = ""] = new TextDecoder().decode(stdout).split("\n");
  assert.equal(new TextDecoder().decode(stderr), "");
  const expected = Array.from(
    { length: hours },
    (_, hour) => isFxWeekOpen(beginMs + hour * HOUR_MS) ? "0" : "1",
  );
  assert.equal(weekends, expected.join(""));
  const later = days.map((day) => day.add({ days: 7 }).epochMilliseconds);
  // A trading month begins where the last day of the month before ends.
  const next = months.map((day) =>
    day.add({ days: 1 }).add({ months: 1 }).subtract({ days: 1 }).epochMilliseconds
  );
  assert.deepEqual(JSON.parse(ends), [later, next]);
});

interface Fake extends Record<string, unknown> {
  /** The ticks of each instrument; a fake without them has offers that never move. */
  readonly ticks?: readonly RecordedTick[];
  readonly instruments?: readonly string[];
}

/** The real driver over a fake of the vendor's package, in a folder of its own. */
async function start({ ticks, instruments = [EURUSD], ...script }: Fake) {
  const folder = await tempFolder();
  const csv = `${folder.path}/ticks.csv`, temp = `${folder.path}/temp`;
  await Deno.mkdir(temp);
  const lines = (ticks ?? []).map(({ utcMs, bid, ask }) => `${utcMs},${bid},${ask}\n`);
  await Deno.writeTextFile(csv, lines.join(""));
  const fake = {
    offers: instruments.map((instrument) => ({ instrument })),
    ticks: Object.fromEntries(instruments.map((instrument) => [instrument, csv])),
    ...script,
  };
  const client = DriverClient.start({
    python: PYTHON ?? "",
    script: pathOf(new URL("forexconnect.py", BRIDGE)),
    env: {
      PYTHONPATH: VENDORS,
      PYTHONDONTWRITEBYTECODE: "1",
      FAKE_FOREXCONNECT: JSON.stringify(fake),
      TMPDIR: temp,
      TEMP: temp,
    },
  });
  return {
    client,
    leftovers: () => [...Deno.readDirSync(temp)].map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const days = new Map<string, RecordedTick[]>();

function recorded(day: string): RecordedTick[] {
  const known = days.get(day) ?? readQuoteDay(`${QUOTES}${day}_quote.zip`, RECORDED_OFFSET_MS);
  days.set(day, known);
  return known;
}

function between(ticks: readonly RecordedTick[], fromMs: number, toMs: number): RecordedTick[] {
  return ticks.filter(({ utcMs }) => utcMs >= fromMs && utcMs < toMs);
}

/** A recorded tick as the vendor tells it: in whole seconds. */
function keyOf({ utcMs, bid, ask }: RecordedTick): string {
  return `${secondOf(utcMs)},${Number(bid)},${Number(ask)}`;
}

function secondOf(utcMs = 0): number {
  return Math.floor(utcMs / 1000) * 1000;
}

function keys(ticks: Ticks): string[] {
  return Array.from(
    { length: ticks.count },
    (_, at) => `${ticks.serverMs(at)},${ticks.bid(at)},${ticks.ask(at)}`,
  );
}

async function bars(client: DriverClient, timeframe: string, from: number, to: number) {
  const request = { rawName: EURUSD, timeframe, fromServerMs: from, toServerMs: to };
  const parts: number[][] = [];
  const { bars } = await client.ask("bars", { type: "bars", ...request }, (part) => {
    if (part.type === "bars") parts.push(...part.bars);
  });
  return [...parts, ...bars];
}

/** Until the driver told its present twice more: what came before is delivered, and has settled. */
async function present(client: DriverClient): Promise<void> {
  const seen = client.saidOf("present").length;
  await client.until(() => client.saidOf("present").length >= seen + 2);
}

async function failure(promise: Promise<unknown>) {
  try {
    await promise;
  } catch (cause) {
    if (cause instanceof DriverFailure) return cause.failed;
    throw cause;
  }
  throw new Error("Cannot take an answer as a failure: current state is success");
}

async function vermin(files: readonly string[]): Promise<void> {
  try {
    const { success, stdout } = await new Deno.Command("vermin", {
      args: ["-t=3.7-", "--violations", ...files.map((name) => pathOf(new URL(name, BRIDGE)))],
    }).output();
    assert(success, new TextDecoder().decode(stdout));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    console.warn("Python 3.7's syntax is not checked: pip install vermin");
  }
}

function pathOf(url: URL): string {
  return decodeURIComponent(url.pathname);
}
