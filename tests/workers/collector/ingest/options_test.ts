import assert from "node:assert/strict";
import { parseOptions } from "../../../../workers/collector/ingest/options.ts";
import { readRequest } from "../../../../workers/collector/ingest/request.ts";
import { tempFolder } from "../../../support/temp_folder.ts";

Deno.test("without options there are the defaults of the contract", () => {
  const { timeframes, workers, from, ...options } = parseOptions([]);
  assert.deepEqual(timeframes.map(({ label }) => label), ["1H", "4H", "1D"]);
  assert.equal(workers, 4);
  assert.equal(options["history-days"], 365);
  assert.equal(options["rate-limit"], 0.05);
  assert.equal(from, undefined);
  assert.equal(options.resume, false);
});

Deno.test("values are read as what they mean", () => {
  const options = parseOptions([
    ...["--timeframes", "1m, 1M 1h,1H", "--symbols=EURUSD,XAUUSD", "--from", "2025-12-22"],
    ...["--to=2025-12-23T00:00:00+02:00", "--rate-limit", "0", "--ticks", "--json"],
  ]);
  assert.deepEqual(options.timeframes.map(({ label }) => label), ["1MIN", "1M", "1H"]);
  assert.deepEqual(options.symbols, ["EURUSD", "XAUUSD"]);
  assert.equal(options.from, Date.UTC(2025, 11, 22));
  assert.equal(options.to, Date.UTC(2025, 11, 22, 22));
  assert.ok(options.ticks && options.json && !options.parquet);
});

Deno.test("every wrong option is named with its value, all at once", () => {
  const wrong = [
    ...["--timeframes", "2H,1H", "--workers", "0", "--history-days", "x", "--rate-limit", "-1"],
    ...["--from", "yesterday", "--to", "2025-12-22T10:00:00", "--symbols", ",", "--env", ""],
    ...["--jsn", "--dry-run=yes", "--output-dir", "a", "--output-dir", "b", "more"],
  ];
  assert.throws(() => parseOptions(wrong), ({ message }: Error) => {
    const lines = message.split("\n");
    const named = [
      /--timeframes: expected some of 1MIN, .*, not 2H: current value is "2H,1H"/,
      /--workers: .*"0"/,
      /--history-days: expected a whole number: current value is "x"/,
      /--rate-limit: .*"-1"/,
      /--from: expected a date such as .*"yesterday"/,
      /--to: expected a date .*"2025-12-22T10:00:00"/,
      /--symbols: expected names .*","/,
      /--env: expected a path: current value is ""/,
      /--jsn: there is no such option/,
      /--dry-run: expected no value: current value is "yes"/,
      /--output-dir: expected it once: current value is "b"/,
      /an argument: expected options only: current value is "more"/,
    ];
    for (const line of named) {
      assert.ok(lines.some((text) => line.test(text)), `${line}\n${message}`);
    }
    assert.equal(lines.length, named.length, message);
    return true;
  });
});

Deno.test("options that contradict each other are refused by name", () => {
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [["--from", "2025-12-22", "--to", "2025-12-22"], /--to: expected a time after --from/],
    [["--ticks", "--from", "2025-12-22"], /--to: --ticks needs/],
    [["--ticks"], /--from: --ticks needs/],
    [["--ticks", "--tick-logging", "--from", "2025-01-01", "--to", "2025-01-02"], /run of its own/],
    [["--universe-only", "--resume"], /--universe-only with/],
    [["--from", "--to", "2025-12-22"], /--from: expected a value/],
  ];
  for (const [args, message] of refused) assert.throws(() => parseOptions(args), message);
});

Deno.test("settings of --env count where the environment has none, and wrong ones are told too", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/.env`;
  await Deno.writeTextFile(path, 'INGEST_RETRIES="7"\nBAR_CLOSE_BUFFER_MINUTES = 5 # late ticks\n');
  const { settings, resume } = await readRequest(["--env", path, "--symbols", "EUR USD,*"]);
  assert.equal(settings.retries, 7);
  assert.equal(settings.closeBufferMs, 300_000);
  assert.equal(resume, `deno task ingest --env ${path} --symbols "EUR USD,*" --resume`);
  await Deno.writeTextFile(path, "INGEST_RETRIES=often\nBRIDGE_TOKEN=short\n");
  await assert.rejects(readRequest(["--env", path, "--workers", "many"]), ({ message }: Error) => {
    assert.match(message, /--workers: .*"many"/);
    assert.match(message, /INGEST_RETRIES: .*"often"/);
    assert.match(message, /BRIDGE_TOKEN: .*not shown/);
    assert.ok(!message.includes('"short"'));
    return true;
  });
  await assert.rejects(readRequest(["--env", `${path}.none`]), /--env as a file of settings/);
});
