import assert from "node:assert/strict";
import { openDataFolder } from "../../../lib/capture/data_folder.ts";
import { BroadcastTwin } from "../../../lib/log/channel_broadcast.ts";
import { openLog } from "../../../lib/log/open_log.ts";
import type { TickLog } from "../../../lib/log/tick_log.ts";
import { NO_TICK } from "../../../lib/market/tick_id.ts";
import { startBeat } from "../../../lib/program/beat.ts";
import { telemetryOf } from "../../../lib/program/events.ts";
import { redisIsInstalled, startRedis } from "../../support/redis_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import { feedOf, FilledLog, MORNING_MS, openPath, rowsIn, ticksFrom, Writing } from "./writing.ts";

const MAIN = new URL("../../../workers/writer/main.ts", import.meta.url).href;
const SYMBOLS = ["AUDUSD", "EURUSD", "GBPUSD", "USDJPY"];

async function fill(log: TickLog): Promise<void> {
  const ticks = ticksFrom(MORNING_MS, 10);
  await log.append(
    SYMBOLS.map((symbol) => ({ symbol, feed: feedOf(symbol), expectedTail: NO_TICK, ticks })),
  );
}

Deno.test("two writers that hear each other share the symbols, and one takes all of one that left", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`;
  await using filled = await FilledLog.open(`${folder.path}/log`);
  await fill(filled.log);
  const start = async () => {
    const log = await filled.reader();
    const writing = await Writing.start(log, dataDir);
    const channel = new BroadcastTwin({ kind: "simulated", dataDir });
    const beating = startBeat({
      program: "writer",
      channel,
      telemetry: telemetryOf("writer"),
      describe: () => writing.health.describe(),
      signal: new AbortController().signal,
    });
    return {
      held: () => [...writing.captures.all()].map(({ symbol }) => symbol),
      async [Symbol.asyncDispose]() {
        await writing[Symbol.asyncDispose]();
        await beating.stop();
        await channel[Symbol.asyncDispose]();
        await log[Symbol.asyncDispose]();
      },
    };
  };
  await using first = await start();
  await until(() => first.held().length === 4);
  {
    await using second = await start();
    await until(() => first.held().length === 2 && second.held().length === 2);
    assert.deepEqual([...first.held(), ...second.held()].sort(), SYMBOLS);
  }
  await until(() => first.held().length === 4);
});

Deno.test("a second writer with another data folder is refused, and the first goes on", async () => {
  await using folder = await tempFolder();
  await using filled = await FilledLog.open(`${folder.path}/log`);
  await fill(filled.log);
  await using firstLog = await filled.reader();
  await using secondLog = await filled.reader();
  await using first = await Writing.start(firstLog, `${folder.path}/first`);
  await until(async () => (await filled.log.backlog("writer")).size === 0);
  await using second = await Writing.start(secondLog, `${folder.path}/second`);
  await assert.rejects(second.done, /^TypeError: Cannot write this log into folder .*ADOPT_FOLDER/);
  assert.equal(first.captures.capturing().length, 4);
  await using thirdLog = await filled.reader();
  await using _third = await Writing.start(thirdLog, `${folder.path}/third`, { adoptFolder: true });
  await assert.rejects(first.done, /Cannot write this log into folder/);
});

interface Writer extends AsyncDisposable {
  readonly child: Deno.ChildProcess;
  /** What it has said so far. */
  said(): string;
  /** Its exit code. */
  readonly ended: Promise<number>;
}

function startWriter(dataDir: string, url: string): Writer {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN],
    env: { DATA_DIR: dataDir, DATA_KIND: "simulated", REDIS_URL: url },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let said = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) said += decoder.decode(bytes, { stream: true });
  })();
  const ended = Promise.all([child.status, reading]).then(([{ code }]) => code);
  return {
    child,
    said: () => said,
    ended,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await ended;
    },
  };
}

async function redisLog(url: string, dataDir: string): Promise<TickLog> {
  const log = await openLog({ backend: "redis", redisUrl: url, dataDir, kind: "simulated" });
  await fill(log);
  return log;
}

const withRedis = { ignore: !redisIsInstalled() };

Deno.test("a log in Redis is written into one folder: another is refused", withRedis, async () => {
  await using folder = await tempFolder();
  await using redis = await startRedis();
  await using log = await redisLog(redis.url, `${folder.path}/collector`);
  await using _first = startWriter(`${folder.path}/first`, redis.url);
  await until(async () => (await log.backlog("writer")).size === 0);
  await using second = startWriter(`${folder.path}/second`, redis.url);
  assert.equal(await second.ended, 1);
  const { id } = await openDataFolder(`${folder.path}/first`, "simulated");
  assert.match(
    second.said(),
    new RegExp(`Cannot write this log .* current folder is ${id.toString(16)}`),
  );
});

Deno.test(
  "a writer says once that Redis is away, and writes on when it is back",
  withRedis,
  async () => {
    await using folder = await tempFolder();
    await using redis = await startRedis({ appendonly: "always" });
    const dataDir = `${folder.path}/data`;
    await using log = await redisLog(redis.url, `${folder.path}/collector`);
    await using writer = startWriter(dataDir, redis.url);
    await until(async () => (await log.backlog("writer")).size === 0);
    await redis.kill();
    await until(() => writer.said().includes("the log cannot be reached now"));
    const shown = await log.append([{
      symbol: "EURUSD",
      feed: feedOf("EURUSD"),
      expectedTail: { ms: MORNING_MS + 9, n: 0 },
      ticks: ticksFrom(MORNING_MS + 1000, 10),
    }]);
    assert.equal(shown[0]?.outcome, "appended");
    await redis.restart();
    await until(async () => await rowsIn(openPath(dataDir)) === 20);
    writer.child.kill("SIGTERM");
    assert.equal(await writer.ended, 0);
    const lines = writer.said().split("\n").filter((line) => /the log can/.test(line));
    assert.deepEqual(lines.map((line) => /cannot|can/.exec(line)?.[0]), ["cannot", "can"]);
  },
);

Deno.test("the symbols of a killed writer are another's within 5 s", withRedis, async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`;
  await using redis = await startRedis();
  await using _log = await redisLog(redis.url, `${folder.path}/collector`);
  const heldBy = ({ child }: Writer) =>
    SYMBOLS.filter((symbol) => {
      const path = `${dataDir}/ticks/fx/${symbol}/writer.owner.json`;
      return JSON.parse(Deno.readTextFileSync(path)).pid === child.pid;
    }).length;
  await using first = startWriter(dataDir, redis.url);
  await until(() => heldBy(first) === 4);
  await using second = startWriter(dataDir, redis.url);
  await until(() => heldBy(first) === 2 && heldBy(second) === 2);
  first.child.kill("SIGKILL");
  await until(() => heldBy(second) === 4, { timeoutMs: 5000 });
});
