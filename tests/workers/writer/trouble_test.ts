import assert from "node:assert/strict";
import { LogUnavailable, type TickLogReader } from "../../../lib/log/tick_log.ts";
import { readManifest } from "../../../lib/capture/manifest.ts";
import { damagesIn } from "./damages.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import {
  DAY_MS,
  FilledLog,
  idsIn,
  MORNING_MS,
  openPath,
  rowsIn,
  ticksFrom,
  Writing,
} from "./writing.ts";

/** Makes a disk of its own for the test, as small as asked; undefined where that is not allowed. */
async function smallDisk(path: string, size: string): Promise<AsyncDisposable | undefined> {
  const run = (command: string, args: string[]) =>
    new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output();
  if (Deno.build.os !== "linux") return undefined;
  await Deno.mkdir(path);
  const mounted = await run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path])
    .catch(() => undefined);
  if (mounted?.success !== true) return undefined;
  return {
    async [Symbol.asyncDispose]() {
      await run("umount", [path]);
    },
  };
}

Deno.test("a full disk is critical by name, and everything is written once there is room", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/disk`;
  await using disk = await smallDisk(dataDir, "400k");
  if (disk === undefined) {
    return console.warn("The full disk is skipped: mounting a tmpfs needs Linux and root");
  }
  await using filled = await FilledLog.open(`${folder.path}/log`);
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
  await until(async () => await rowsIn(openPath(dataDir)) === 100);
  await Deno.writeFile(`${dataDir}/ballast`, new Uint8Array(250_000));
  await filled.append("EURUSD", ticksFrom(MORNING_MS + 1000, 3000));
  await until(async () => {
    const { filesystem } = (await writing.health.describe()).components;
    return filesystem?.status === "critical" && /^EURUSD: .*space/i.test(filesystem.message);
  });
  assert.equal((await filled.log.committed("writer")).get("EURUSD")?.ms, MORNING_MS + 99);
  await Deno.remove(`${dataDir}/ballast`);
  await until(async () => (await filled.log.backlog("writer")).size === 0);
  assert.equal((await writing.health.describe()).components.filesystem?.status, "healthy");
  await writing.stop();
  const ids = await idsIn(openPath(dataDir));
  assert.deepEqual([ids.length, new Set(ids).size], [3100, 3100]);
});

/** Takes all the room there is. */
async function fillUp(path: string): Promise<void> {
  using ballast = await Deno.open(path, { create: true, write: true });
  const page = new Uint8Array(4096);
  try {
    while (await ballast.write(page) > 0);
  } catch (cause) {
    assert.match(String(cause), /space/);
  }
}

Deno.test("a day that ends, or a writer that starts, on a full disk goes on once there is room", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/disk`;
  await using disk = await smallDisk(dataDir, "400k");
  if (disk === undefined) {
    return console.warn("The full disk is skipped: mounting a tmpfs needs Linux and root");
  }
  await using filled = await FilledLog.open(`${folder.path}/log`);
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
  await until(async () => (await filled.log.backlog("writer")).size === 0);
  await fillUp(`${dataDir}/ballast`);
  await filled.append("GBPUSD", ticksFrom(MORNING_MS, 100));
  await until(async () => {
    const { filesystem } = (await writing.health.describe()).components;
    return filesystem?.status === "critical" && /^GBPUSD: .*space/i.test(filesystem.message);
  });
  await filled.mark("EURUSD", MORNING_MS + DAY_MS, true);
  const cycle = "2025-12-22T000000Z_EURUSD_TICK";
  await until(async () =>
    (await writing.health.describe()).components.data_quality?.status !== "healthy"
  );
  assert.equal(await readManifest(dataDir, cycle), undefined);
  await Deno.remove(`${dataDir}/ballast`);
  await until(async () => (await readManifest(dataDir, cycle))?.rows === 100);
  await until(async () => await rowsIn(openPath(dataDir, "GBPUSD")) === 100);
  assert.deepEqual(await damagesIn(dataDir), []);
});

Deno.test("while the log is away nothing is lost, and health says why", async () => {
  await using folder = await tempFolder();
  await using filled = await FilledLog.open(`${folder.path}/log`);
  await using log = await filled.reader();
  let away = false;
  const unsteady = new Proxy(log, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (away) {
          return Promise.reject(new LogUnavailable("Cannot read: away", { reason: "down" }));
        }
        return Reflect.apply(value, target, args);
      };
    },
  });
  const dataDir = `${folder.path}/data`;
  await using writing = await Writing.start(unsteady, dataDir);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 10));
  await until(async () => await rowsIn(openPath(dataDir)) === 10);
  away = true;
  await filled.append("EURUSD", ticksFrom(MORNING_MS + 1000, 10));
  await until(async () =>
    (await writing.health.describe()).components.queue?.message.includes("away") === true
  );
  away = false;
  await until(async () => (await filled.log.backlog("writer")).size === 0);
  await until(async () => (await writing.health.describe()).level === "healthy");
  const ids = await idsIn(openPath(dataDir));
  assert.deepEqual([ids.length, new Set(ids).size], [20, 20]);
});

/** Writes ticks of a first log, and gives the files to a writer of a second one. */
async function capturedBefore(
  folder: string,
  ticks: readonly [string, ReturnType<typeof ticksFrom>][],
): Promise<string> {
  const dataDir = `${folder}/data`;
  await using filled = await FilledLog.open(`${folder}/before`);
  for (const [symbol, some] of ticks) await filled.append(symbol, some);
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir);
  await until(async () => (await filled.log.backlog("writer")).size === 0);
  await writing.stop();
  return dataDir;
}

Deno.test("files ahead of a log that lost its end wait, and go on when the log has come back", async () => {
  await using folder = await tempFolder();
  const dataDir = await capturedBefore(folder.path, [["EURUSD", ticksFrom(MORNING_MS, 100)]]);
  await using filled = await FilledLog.open(`${folder.path}/after`);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 60));
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir);
  await until(() => writing.captures.get("EURUSD")?.state === "waiting");
  assert.match(writing.reasonOf("EURUSD"), /log is behind 1766390400099-0/);
  await until(async () =>
    (await writing.health.describe()).components.queue?.status === "degraded"
  );
  await filled.append("EURUSD", ticksFrom(MORNING_MS + 60, 60));
  await until(async () => await rowsIn(openPath(dataDir)) === 120);
  const ids = await idsIn(openPath(dataDir));
  assert.deepEqual(ids, ids.map((_, index) => `${MORNING_MS + index}-0`));
});

Deno.test("a log that tells another story stops that symbol by name, and the others go on", async () => {
  await using folder = await tempFolder();
  const dataDir = await capturedBefore(folder.path, [
    ["EURUSD", ticksFrom(MORNING_MS, 10)],
    ["GBPUSD", ticksFrom(MORNING_MS, 10)],
  ]);
  const before = await Deno.readTextFile(openPath(dataDir));
  await using filled = await FilledLog.open(`${folder.path}/after`);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 20, 1.2));
  await filled.append("GBPUSD", ticksFrom(MORNING_MS, 20));
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir);
  await until(async () => await rowsIn(openPath(dataDir, "GBPUSD")) === 20);
  await until(async () => (await writing.health.describe()).level === "critical");
  assert.match(
    writing.reasonOf("EURUSD"),
    /^Cannot go on with EURUSD as the log's 1766390400009-0/,
  );
  assert.equal(await Deno.readTextFile(openPath(dataDir)), before);
});

Deno.test("a log begun anew with later ticks goes on in the same file, and the hole is noted", async () => {
  await using folder = await tempFolder();
  const dataDir = await capturedBefore(folder.path, [["EURUSD", ticksFrom(MORNING_MS, 10)]]);
  await using filled = await FilledLog.open(`${folder.path}/after`);
  await filled.append("EURUSD", ticksFrom(MORNING_MS + 5000, 10));
  await filled.mark("EURUSD", MORNING_MS + 6000, true);
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir, { once: true });
  await writing.done;
  const manifest = await readManifest(dataDir, "2025-12-22T000000Z_EURUSD_TICK");
  assert.deepEqual([manifest?.rows, manifest?.status], [20, "PARTIAL"]);
  assert.deepEqual(manifest?.gaps, [{
    from_utc: "2025-12-22T08:00:00.010Z",
    to_utc: "2025-12-22T08:00:05.000Z",
    reason: "the log no longer held it",
    rows: 0,
  }]);
});

Deno.test("a log replaced while it is followed is compared with the files anew", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`;
  await using first = await FilledLog.open(`${folder.path}/first`);
  await using second = await FilledLog.open(`${folder.path}/second`);
  await first.append("EURUSD", ticksFrom(MORNING_MS, 10));
  await second.append("EURUSD", ticksFrom(MORNING_MS, 25, 1.2));
  await second.append("GBPUSD", ticksFrom(MORNING_MS, 25));
  await using before = await first.reader();
  await using after = await second.reader();
  let current: TickLogReader = before;
  const replaced = new Proxy(before, {
    get: (_, name) => {
      const value = Reflect.get(current, name);
      return typeof value === "function" ? value.bind(current) : value;
    },
  });
  await using writing = await Writing.start(replaced, dataDir);
  await until(async () => await rowsIn(openPath(dataDir)) === 10);
  current = after;
  await until(async () => await rowsIn(openPath(dataDir, "GBPUSD")) === 25);
  assert.equal(writing.captures.get("EURUSD")?.state, "stopped");
  assert.equal(await rowsIn(openPath(dataDir)), 10);
});

const TRIM_ALL = { maxAgeMs: 0, maxCount: 0, nowMs: MORNING_MS + DAY_MS, readers: ["writer"] };

/** A log whose ticks were committed and trimmed, and files that have lost their last rows. */
async function shortFile(folder: string): Promise<{ filled: FilledLog; dataDir: string }> {
  const dataDir = `${folder}/data`;
  const filled = await FilledLog.open(`${folder}/log`);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
  {
    await using log = await filled.reader();
    await using writing = await Writing.start(log, dataDir);
    await until(async () => (await filled.log.backlog("writer")).size === 0);
    await writing.stop();
  }
  await filled.append("EURUSD", ticksFrom(MORNING_MS + 5000, 10));
  assert.ok(await filled.log.trim({ ...TRIM_ALL, overlapMs: 0 }) > 0);
  const text = await Deno.readTextFile(openPath(dataDir));
  await Deno.writeTextFile(openPath(dataDir), text.split("\n").slice(0, 51).join("\n") + "\n");
  return { filled, dataDir };
}

Deno.test("a file shorter than a trimmed log stops the symbol by name and stays as it is", async () => {
  await using folder = await tempFolder();
  const { filled, dataDir } = await shortFile(folder.path);
  await using _filled = filled;
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir);
  await until(() => writing.captures.get("EURUSD")?.state === "stopped");
  assert.match(writing.reasonOf("EURUSD"), /^Cannot rebuild EURUSD after .*-0 .*WRITER_ACCEPT_GAP/);
  assert.equal(await rowsIn(openPath(dataDir)), 50);
});

Deno.test("with WRITER_ACCEPT_GAP a short file goes on and its manifest names the hole", async () => {
  await using folder = await tempFolder();
  const { filled, dataDir } = await shortFile(folder.path);
  await using _filled = filled;
  await filled.mark("EURUSD", MORNING_MS + 6000, true);
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir, { acceptGap: true, once: true });
  await writing.done;
  const manifest = await readManifest(dataDir, "2025-12-22T000000Z_EURUSD_TICK");
  assert.equal(manifest?.gaps.length, 1);
  assert.equal(manifest?.gaps[0]?.from_utc, "2025-12-22T08:00:00.050Z");
});

Deno.test("a large backlog is on the disk when a drain has ended", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`;
  await using filled = await FilledLog.open(`${folder.path}/log`);
  for (const symbol of ["EURUSD", "GBPUSD"]) {
    for (let part = 0; part < 10; part++) {
      await filled.append(symbol, ticksFrom(MORNING_MS + part * 10_000, 10_000));
    }
  }
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir, { readTicks: 5000 });
  await until(() => writing.captures.capturing().length === 2, { intervalMs: 1 });
  await writing.stop();
  assert.equal((await filled.log.backlog("writer")).size, 0);
  assert.equal(await rowsIn(openPath(dataDir)), 100_000);
  assert.equal(await rowsIn(openPath(dataDir, "GBPUSD")), 100_000);
});
