import assert from "node:assert/strict";
import { ServerClockLedger } from "../../../lib/time/server_clock.ts";
import { parseServerZone } from "../../../lib/time/server_zone.ts";
import { DAY_MS, hourBars } from "../../lib/time/server_clock_series.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const CLOCK = `${import.meta.dirname}/../../../workers/collector/clock.ts`;
const ATHENS = parseServerZone("Europe/Athens");
const NOW = Date.parse("2026-05-20T09:00Z");

async function clock(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", `--allow-read=${folder}`, CLOCK, "--data-dir", folder, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

Deno.test("the clock command explains an empty, a learned and a torn ledger", async () => {
  await using folder = await tempFolder();
  assert.match((await clock(folder.path)).out, /no server's clock has been learned yet/);
  {
    await using ledger = await ServerClockLedger.open({
      dataDir: folder.path,
      server: "mt5:Demo",
      nowUtcMs: NOW,
      override: ATHENS,
    });
    ledger.learnFromHistory("EURUSD", hourBars(ATHENS, NOW - 400 * DAY_MS, NOW));
  }
  const { code, out } = await clock(folder.path);
  assert.equal(code, 0);
  assert.match(out, /^mt5:Demo: override\n {2}BROKER_TZ says Europe\/Athens/);
  assert.match(out, /2026-05-20T09:00Z to now: Europe\/Athens \(BROKER_TZ\)/);
  const told = JSON.parse((await clock(folder.path, "--json")).out);
  assert.equal(told["mt5:Demo"].verdict.rule, "Europe/Athens");
  await Deno.writeTextFile(`${folder.path}/metadata/server_clock.json`, "{");
  const torn = await clock(folder.path);
  assert.equal(torn.code, 1);
  assert.match(torn.error, /Cannot read .*server_clock\.json as the ledger of server clocks/);
});

Deno.test("the clock command reads exported bars, MetaTrader's and our own", async () => {
  await using folder = await tempFolder();
  const opens = hourBars(ATHENS, NOW - 500 * DAY_MS, NOW);
  const exported = opens.map((ms) => {
    const [date = "", time = ""] = new Date(ms).toISOString().split("T");
    return `${date.replaceAll("-", ".")}\t${time.slice(0, 8)}\t1.1\t1.2\t1.0\t1.1`;
  });
  const path = `${folder.path}/bars.csv`;
  await Deno.writeTextFile(path, ["<DATE>\t<TIME>\t<OPEN>", ...exported].join("\r\n"));
  assert.match(
    (await clock(folder.path, "--bars", path)).out,
    /clock is Europe\/Athens, now UTC\+3/,
  );
  const own = opens.map((ms) => `0,${ms / 1000},1.1,1.2,1.0,1.1,5`);
  const header = "timestamp_utc,timestamp_broker,open,high,low,close,volume";
  await Deno.writeTextFile(path, [header, ...own].join("\n"));
  assert.match(
    (await clock(folder.path, "--bars", path)).out,
    /clock is Europe\/Athens, now UTC\+3/,
  );
  await Deno.writeTextFile(path, "nothing");
  assert.match((await clock(folder.path, "--bars", path)).error, /has no bar in it/);
});
