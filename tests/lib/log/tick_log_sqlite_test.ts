import assert from "node:assert/strict";
import { LogUnavailable } from "../../../lib/log/tick_log.ts";
import { SqliteTickLog } from "../../../lib/log/tick_log_sqlite.ts";
import { SqliteTickLogReader } from "../../../lib/log/tick_log_sqlite_reader.ts";
import { NO_TICK } from "../../../lib/market/tick_id.ts";
import {
  appendTo,
  DAY,
  FEED,
  idsOf,
  readAll,
  tickLogSuite,
  ticksAt,
} from "../../contract/tick_log_suite.ts";
import { tempFolder } from "../../support/temp_folder.ts";

tickLogSuite("the SQLite log", async () => {
  const folder = await tempFolder();
  const log = await SqliteTickLog.open({ folder: folder.path, kind: "simulated" });
  const reader = new SqliteTickLogReader({ folder: folder.path, readerPositions: true });
  return {
    log,
    reader,
    async [Symbol.asyncDispose]() {
      await reader[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
});

Deno.test("a second appender is refused and told who holds the log", async () => {
  await using folder = await tempFolder();
  await using _log = await SqliteTickLog.open({ folder: folder.path, kind: "raw" });
  const second = SqliteTickLog.open({ folder: folder.path, kind: "raw" });
  await assert.rejects(second, new RegExp(`current one is process ${Deno.pid} since`));
});

Deno.test("a log refuses ticks of another kind", async () => {
  await using folder = await tempFolder();
  await (await SqliteTickLog.open({ folder: folder.path, kind: "raw" }))[Symbol.asyncDispose]();
  const other = SqliteTickLog.open({ folder: folder.path, kind: "simulated" });
  await assert.rejects(other, /as simulated: current kind is raw/);
});

Deno.test("a full log says so, stores nothing of that append, and goes on after a trim", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({
    folder: folder.path,
    kind: "raw",
    maxBytes: 400_000,
  });
  let tail = NO_TICK, appended = 0;
  const group = () => ticksAt(...Array.from({ length: 500 }, (_, n) => DAY + appended + n));
  const fill = async () => {
    while (true) {
      tail = await appendTo(log, { tail, ticks: group() });
      appended += 500;
    }
  };
  const full = (cause: unknown) => cause instanceof LogUnavailable && cause.reason === "full";
  await assert.rejects(fill(), full);
  assert.deepEqual((await log.checkpoint("EURUSD"))?.lastId, tail);
  assert.equal(idsOf(await readAll(log)).length, appended);
  const policy = { maxAgeMs: 0, maxCount: 0, nowMs: DAY * 2, readers: [], overlapMs: 10 };
  assert.ok(await log.trim(policy) > 0);
  await appendTo(log, { tail, ticks: group() });
});

Deno.test("a reader waits for a log that is not there yet and notices one that replaced it", async () => {
  await using folder = await tempFolder();
  await using reader = new SqliteTickLogReader({ folder: folder.path, readerPositions: true });
  assert.equal(await reader.epoch(), undefined);
  await assert.rejects(reader.commit("writer", new Map()), LogUnavailable);
  const waiting = reader.read(new Map([["EURUSD", NO_TICK]]), { waitMs: 20_000 });
  let log = await SqliteTickLog.open({ folder: folder.path, kind: "raw" });
  const tail = await appendTo(log, { ticks: ticksAt(DAY) });
  assert.equal((await waiting).length, 1);
  await reader.commit("writer", new Map([["EURUSD", tail]]));
  const epoch = await reader.epoch();
  await log[Symbol.asyncDispose]();
  for (const file of ["ticks.sqlite", "ticks.sqlite-wal", "ticks.sqlite-shm"]) {
    await Deno.remove(`${folder.path}/${file}`).catch(() => {});
  }
  assert.equal(await reader.epoch(), undefined);
  log = await SqliteTickLog.open({ folder: folder.path, kind: "raw" });
  await using _closed = log;
  assert.notEqual(await reader.epoch(), epoch);
  assert.equal((await reader.committed("writer")).size, 0);
  assert.equal((await reader.symbols()).length, 0);
});

Deno.test("a reader needs read permission only", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: folder.path, kind: "raw" });
  await appendTo(log, { ticks: ticksAt(DAY) });
  const script = `${folder.path}/read.ts`;
  const module = new URL("../../../lib/log/tick_log_sqlite_reader.ts", import.meta.url);
  await Deno.writeTextFile(
    script,
    `import { SqliteTickLogReader } from ${JSON.stringify(module.href)};
    const reader = new SqliteTickLogReader({ folder: Deno.args[0], readerPositions: false });
    const segments = await reader.read(new Map([["EURUSD", { ms: 0, n: 0 }]]));
    const backlog = await reader.backlog("writer");
    console.log(segments.length, backlog.get("EURUSD"));`,
  );
  const root = new URL("../../..", import.meta.url).pathname;
  const run = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--config", `${root}/deno.json`].concat([
      `--allow-read=${folder.path}`,
      script,
      folder.path,
    ]),
  }).output();
  assert.equal(
    new TextDecoder().decode(run.stdout).trim(),
    "1 1",
    new TextDecoder().decode(run.stderr),
  );
});

Deno.test("a log killed while it appends has a tail that fits its ticks", async () => {
  await using folder = await tempFolder();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      new URL("append_loop.ts", import.meta.url).pathname,
      "sqlite",
      folder.path,
    ],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (said.split("\n").length < 20) said += (await reader.read()).value ?? "";
  child.kill("SIGKILL");
  await child.status;
  for (let part = await reader.read(); !part.done; part = await reader.read()) said += part.value;
  const promised = said.split("\n").filter((line) => /^\d+-\d+!$/.test(line)).at(-1) ?? "";
  await using log = await SqliteTickLog.open({ folder: folder.path, kind: "simulated" });
  const tail = (await log.checkpoint("EURUSD"))?.lastId ?? NO_TICK;
  const ids = idsOf(await readAll(log));
  assert.equal(ids.at(-1), `${tail.ms}-${tail.n}`);
  assert.equal(ids.length % 100, 0);
  assert.ok(ids.includes(promised.slice(0, -1)), "what was acknowledged is there");
  assert.equal((await log.backlog("writer")).get("EURUSD"), ids.length);
  await appendTo(log, { tail, ticks: ticksAt(DAY) });
  assert.equal(FEED, (await log.checkpoint("EURUSD"))?.feed);
});
