import assert from "node:assert/strict";
import { readCaptured, tickFiles } from "./recorded.ts";
import { freePort, Rig } from "./rig.ts";
import { until } from "../support/until.ts";

/** `deno task start` as a newcomer meets it: nothing configured but folders and free ports. */

async function tally(url: string): Promise<number> {
  const answer = await fetch(url);
  const { symbols }: { symbols: { id?: string }[] } = await answer.json();
  return symbols.filter(({ id }) => id !== undefined && id !== null).length;
}

Deno.test("start shows 41 moving symbols, grows files and answers for its health within seconds", async () => {
  await using rig = await Rig.open({ shape: "embedded", settings: {}, args: [] });
  const began = performance.now();
  rig.startAll();
  const gateway = `http://127.0.0.1:${rig.ports.gateway}`;
  await until(async () => await tally(`${gateway}/symbols`) === 41);
  assert.ok(performance.now() - began < 5_000, "a price of every symbol within five seconds");
  await until(() => tickFiles(rig.dataDir, "EURUSD").length > 0);
  const page = await (await fetch(`${gateway}/`)).text();
  assert.match(page, /<title>[^<]*Arbitrex/);
  const health = `http://127.0.0.1:${rig.ports.health}/health`;
  await until(async () => {
    const answer = await fetch(health);
    const { status }: { status: string } = await answer.json();
    return status === "healthy";
  });
  await until(() =>
    ["collector", "writer", "gateway", "health"].every((name) => rig.output.includes(name))
  );
});

Deno.test("a stop signal drains: what was appended is in the files, and the exit code is 0", async () => {
  await using rig = await Rig.open({
    shape: "embedded",
    settings: { SIMULATED_TICKS_PER_SECOND: "2000" },
    args: [],
  });
  rig.startAll();
  await until(() => tickFiles(rig.dataDir, "EURUSD").length > 0);
  const began = performance.now();
  assert.equal(await rig.kill("start", "SIGTERM"), 0, rig.output);
  assert.ok(performance.now() - began < 10_000);

  const { DatabaseSync } = await import("node:sqlite");
  using log = new DatabaseSync(`${rig.dataDir}/log/ticks.sqlite`, { readOnly: true });
  const symbols = log.prepare(
    "SELECT symbol, last_ms, last_n, appended FROM symbols WHERE appended > 0",
  ).all();
  assert.ok(symbols.length > 0);
  for (const { symbol, last_ms, last_n, appended } of symbols) {
    const files = tickFiles(rig.dataDir, String(symbol));
    if (files.length === 0) continue;
    const rows = files.flatMap(readCaptured);
    assert.equal(rows.length, Number(appended), String(symbol));
    assert.equal(rows.at(-1)?.id, `${last_ms}-${last_n}`);
  }
});

Deno.test("started twice, the second says what is taken and by whom, and touches no file", async () => {
  await using rig = await Rig.open({ shape: "embedded", settings: {}, args: [] });
  rig.startAll();
  await until(() => tickFiles(rig.dataDir, "EURUSD").length > 0);
  const first = rig.pid("start");

  await using folder = await rig.beside({ GATEWAY_PORT: "0", HEALTH_PORT: "0", BRIDGE_PORT: "0" });
  assert.equal(await folder.ended("start"), 2);
  assert.match(
    folder.output,
    new RegExp(`Cannot start with the data folder .*in use by process ${first} `),
  );

  await using port = await rig.beside({ DATA_DIR: `${rig.dir}/other` });
  assert.equal(await port.ended("start"), 2);
  assert.match(
    port.output,
    new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${rig.ports.gateway}: it is taken by`),
  );
  assert.match(port.output, /GATEWAY_PORT/);
  assert.equal(tickFiles(`${rig.dir}/other`, "EURUSD").length, 0);
});

Deno.test("wrong settings are all reported at once, by name", async () => {
  await using rig = await Rig.open({
    shape: "embedded",
    settings: { GATEWAY_PORT: "http", DATA_KIND: "real", REDIS_URL: "secret-host:6379" },
    args: [],
  });
  rig.startAll();
  assert.equal(await rig.ended("start"), 2);
  for (const name of ["GATEWAY_PORT", "DATA_KIND", "REDIS_URL"]) {
    assert.match(rig.output, new RegExp(name));
  }
  assert.doesNotMatch(rig.output, /secret-host/);
});

Deno.test("a recording without one usable line ends start with its name and a reason", async () => {
  const file = await Deno.makeTempFile({ suffix: "_EURUSD.csv" });
  try {
    await Deno.writeTextFile(
      file,
      "timestamp_utc,timestamp_broker,bid,ask,last,volume,flags,id\nno,tick\n",
    );
    await using rig = await Rig.open({
      shape: "embedded",
      settings: {},
      args: ["--replay", file, "--symbol", "EURUSD", "--speed", "max", "--once"],
    });
    rig.startAll();
    assert.equal(await rig.ended("start"), 1, rig.output);
    assert.ok(rig.output.includes(file), rig.output);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("PROMETHEUS_PORT serves the metrics of all programs, and nothing else", async () => {
  const port = freePort();
  await using rig = await Rig.open({
    shape: "embedded",
    settings: { PROMETHEUS_PORT: `${port}` },
    args: [],
  });
  rig.startAll();
  await until(async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return /arbitrex_ticks_received_total\{.*program="collector".*\} [1-9]/.test(metrics) &&
      /arbitrex_ticks_flushed_total\{.*program="writer".*\} [1-9]/.test(metrics);
  });
  const other = await fetch(`http://127.0.0.1:${port}/health`);
  await other.body?.cancel();
  assert.equal(other.status, 404);
});
