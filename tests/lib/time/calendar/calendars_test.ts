import assert from "node:assert/strict";
import { Calendars } from "../../../../lib/time/calendar/calendars.ts";
import { UNIVERSE } from "../../../../lib/market/universe.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { until } from "../../../support/until.ts";

Deno.test("a symbol without a map keeps the calendar of its name", async () => {
  using calendars = await Calendars.open({});
  const ids = (text: string) => text.split(" ").map((symbol) => calendars.calendarOf(symbol).id);
  assert.deepEqual(ids("EURUSD EURUSD@fxcm eurusdm EUR/USD"), ["FX", "FX", "FX", "FX"]);
  assert.deepEqual(ids("XAUUSD XAGAUD XPTUSD.r US30m"), Array(4).fill("FX-METALS"));
  assert.deepEqual(ids("BTCUSD ETHEUR BTCUSDT"), ["24-7", "24-7", "FX"]);
  assert.deepEqual(ids("AAPL SPY MSFT@demo"), ["XNYS", "XNYS", "XNYS"]);
  assert.deepEqual(ids("GDAXIm CHINAH MAYM MXSHAR"), ["XFRA", "XHKG", "FX-METALS", "FX"]);
  assert.deepEqual(ids("GER40 名前"), ["FX", "FX"]);
});

Deno.test("every symbol of the universe has hours that someone chose", async () => {
  using calendars = await Calendars.open({});
  const counts = new Map<string, number>();
  for (const { symbol } of UNIVERSE) {
    const { id } = calendars.calendarOf(symbol);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries(counts), { FX: 28, "FX-METALS": 11, XFRA: 1, XHKG: 1 });
});

Deno.test("with MARKET_CALENDAR=fx what has an exchange keeps the FX week", async () => {
  await using folder = await tempFolder();
  const mapFile = `${folder.path}/map.json`;
  await Deno.writeTextFile(mapFile, `{"MSFT":"NASDAQ","BTCUSD":"24-7"}`);
  using calendars = await Calendars.open({ use: "fx", mapFile });
  const ids = ["AAPL", "MSFT", "GDAXIm", "XAUUSD", "BTCUSD"].map((symbol) =>
    calendars.calendarOf(symbol).id
  );
  assert.deepEqual(ids, ["FX", "FX", "FX", "FX-METALS", "24-7"]);
});

Deno.test("a map comes first, in any case, for a session's symbol by itself and by its base", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/metadata`);
  await Deno.writeTextFile(
    `${folder.path}/metadata/symbol_calendar_map.json`,
    `{"aapl":"nasdaq","EURUSD":"24/5","eurusd@fxcm":"FX-METALS","GDAXIm":"xetr"}`,
  );
  using calendars = await Calendars.open({ dataDir: folder.path, onProblem: assert.fail });
  const ids = ["AAPL", "EURUSD", "EURUSDm@other", "EURUSD@fxcm", "GDAXIm", "GBPUSD"]
    .map((symbol) => calendars.calendarOf(symbol).id);
  assert.deepEqual(ids, ["XNAS", "24-5", "24-5", "FX-METALS", "XETR", "FX"]);
});

Deno.test("a map is read again when it changes; a broken one is told once and the last stays", async () => {
  await using folder = await tempFolder();
  const mapFile = `${folder.path}/map.json`;
  const problems: string[] = [];
  const onProblem = (message: string) => void problems.push(message);
  await Deno.writeTextFile(mapFile, `{"AAPL":"NASDAQ"}`);
  using calendars = await Calendars.open({ mapFile, onProblem, lookMs: 5 });
  assert.equal(calendars.calendarOf("AAPL").id, "XNAS");

  await replace(mapFile, `{"AAPL":"LSE","MSFT":"NASDAQ"}`);
  await until(() => calendars.calendarOf("AAPL").id === "XLON");

  await replace(mapFile, `{"AAPL":"MOON","MSFT":7}`);
  await until(() => problems.length > 0);
  assert.match(problems[0] ?? "", /map\.json.*last good map stays.*AAPL: current value is "MOON"/);
  assert.match(problems[0] ?? "", /MSFT: current value is 7$/);
  assert.equal(calendars.calendarOf("AAPL").id, "XLON");

  await replace(mapFile, `{"AAPL":`);
  await until(() => problems.length > 1);
  assert.match(problems[1] ?? "", /as JSON/);
  await Deno.remove(mapFile);
  await until(() => problems.length > 2);
  assert.equal(calendars.calendarOf("MSFT").id, "XNAS");

  await replace(mapFile, `{"AAPL":"XTKS"}`);
  await until(() => calendars.calendarOf("AAPL").id === "XTKS");
  assert.equal(problems.length, 3);
});

Deno.test("a map that may not be read is told once, and read when it may be, of the same time and size", async () => {
  await using folder = await tempFolder();
  const mapFile = `${folder.path}/map.json`, problems: string[] = [];
  await Deno.writeTextFile(mapFile, `{"AAPL":"LSE"}`);
  const readTextFile = Deno.readTextFile;
  let refused = 0;
  Deno.readTextFile = () => {
    refused++;
    return Promise.reject(new Deno.errors.PermissionDenied(`open '${mapFile}'`));
  };
  try {
    const onProblem = (message: string) => void problems.push(message);
    using calendars = await Calendars.open({ mapFile, onProblem, lookMs: 5 });
    await until(() => refused > 3);
    assert.equal(calendars.calendarOf("AAPL").id, "XNYS");
    Deno.readTextFile = readTextFile;
    await until(() => calendars.calendarOf("AAPL").id === "XLON");
    assert.equal(problems.length, 1);
  } finally {
    Deno.readTextFile = readTextFile;
  }
});

Deno.test("a map that names one symbol twice, or is no map, is refused by name", async () => {
  await using folder = await tempFolder();
  const mapFile = `${folder.path}/map.json`;
  const told = async (text: string) => {
    await Deno.writeTextFile(mapFile, text);
    const problems: string[] = [];
    using calendars = await Calendars.open({ mapFile, onProblem: (m) => void problems.push(m) });
    assert.equal(calendars.calendarOf("AAPL").id, "XNYS");
    assert.equal(problems.length, 1);
    return problems[0] ?? "";
  };
  assert.match(await told(`{"aapl":"LSE","AAPL":"NASDAQ"}`), /AAPL.*LSE and NASDAQ/);
  assert.match(await told(`["AAPL"]`), /current value is \["AAPL"\]/);
});

Deno.test("a map that is named and is not there is a problem; the default one may be missing", async () => {
  await using folder = await tempFolder();
  const problems: string[] = [];
  const onProblem = (message: string) => void problems.push(message);
  {
    using _ = await Calendars.open({ dataDir: folder.path, onProblem });
    assert.deepEqual(problems, []);
  }
  using _ = await Calendars.open({ mapFile: `${folder.path}/none.json`, onProblem });
  assert.match(problems.join(), /none\.json.*calendars of their names/);
});

/** Whole or not at all, and with another time of writing. */
async function replace(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  await Deno.rename(`${path}.new`, path);
}
