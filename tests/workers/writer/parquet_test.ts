import assert from "node:assert/strict";
import type { Copied } from "../../../lib/capture/parquet/copy.ts";
import { compareParquet } from "../../../lib/capture/parquet/compare.ts";
import { readKeyValues, TableFile } from "../../../lib/capture/parquet/table_file.ts";
import { TICK_TABLE } from "../../../lib/capture/parquet/tables.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { telemetryOf } from "../../../lib/program/events.ts";
import { WriterHealth } from "../../../workers/writer/health.ts";
import { Copies } from "../../../workers/writer/parquet/copies.ts";
import { type CopyEvents, copyEvents } from "../../../workers/writer/parquet/events.ts";
import { startCopies } from "../../../workers/writer/parquet/start.ts";
import { SEALED_DAY_MS, sealRows, walkingRows } from "../../support/sealed_day.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import { DAY_MS, FilledLog, MORNING_MS, openPath, rowsIn, ticksFrom, Writing } from "./writing.ts";

const ROOT = new URL("../../../", import.meta.url);
const CSV = "ticks/fx/EURUSD/2025-12-22.csv";
const COPY = "parquet/ticks/fx/EURUSD/2025-12-22.parquet";

/** What the copying told. */
class Told implements CopyEvents {
  readonly copies: string[] = [];
  readonly failures: string[] = [];
  mostWaiting = 0;

  waiting(files: number): void {
    this.mostWaiting = Math.max(this.mostWaiting, files);
  }
  copied({ path }: Copied): void {
    this.copies.push(path);
  }
  failed(path: string, cause: unknown): void {
    this.failures.push(`${path}: ${messageOf(cause)}`);
  }
}

/** The command, allowed nothing but the data folder, as deno.json's set allows it `data`. */
async function run(
  dataDir: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...[
        "run",
        "--quiet",
        "--no-check",
        "--no-prompt",
        "--allow-env=DATA_DIR,DATA_KIND,FAIL_POINT",
      ],
      ...[`--allow-read=${dataDir}`, `--allow-write=${dataDir}`],
      ...["workers/writer/parquet/main.ts", ...args],
    ],
    cwd: ROOT,
    env,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("a writer copies a day in the background once it is sealed", async () => {
  await using folder = await tempFolder();
  await using log = await FilledLog.open(folder.path);
  const told = new Told(), signal = new AbortController().signal;
  await using copies = new Copies({ dataDir: folder.path, events: told, signal, quietMs: 20 });
  await using writing = await Writing.start(await log.reader(), folder.path, {
    sealed: (path) => copies.sealed(path),
  });
  await log.append("EURUSD", ticksFrom(MORNING_MS, 500));
  await log.append("EURUSD", ticksFrom(MORNING_MS + DAY_MS, 10));
  await until(() => told.copies.includes(COPY));
  assert.deepEqual(told.failures, []);
  assert.deepEqual(await compareParquet(folder.path, CSV), []);
  await writing.stop();
});

Deno.test("a start copies what has no copy, and again what has one of other content", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  await sealRows(dataDir, walkingRows(100), { symbol: "EURUSD" });
  await sealRows(dataDir, walkingRows(200), { symbol: "GBPUSD" });
  await sealRows(dataDir, walkingRows(300), { symbol: "USDJPY" });
  const first = new Told(), signal = new AbortController().signal;
  {
    await using copies = new Copies({ dataDir, events: first, signal });
    await copies.finish();
  }
  assert.equal(first.copies.length, 3);
  const other = COPY.replace("EURUSD", "GBPUSD");
  await Deno.copyFile(`${dataDir}/${COPY}`, `${dataDir}/${other}`);
  await Deno.writeTextFile(`${dataDir}/${COPY.replace("EURUSD", "USDJPY")}`, "torn");
  const second = new Told();
  {
    await using copies = new Copies({ dataDir, events: second, signal });
    await copies.finish();
  }
  assert.deepEqual(second.copies, [other, COPY.replace("EURUSD", "USDJPY")]);
  assert.equal((await readKeyValues(`${dataDir}/${other}`)).get("arbitrex.symbol"), "GBPUSD");
  assert.deepEqual([...first.failures, ...second.failures], []);
});

Deno.test("a day that is amid its sealing is left for later", async () => {
  await using folder = await tempFolder();
  const { cycle_id } = await sealRows(folder.path, walkingRows(100));
  await Deno.link(`${folder.path}/${CSV}`, openPath(folder.path));
  await Deno.remove(`${folder.path}/metadata/ingestion_logs/${cycle_id}.json`);
  const told = new Told(), signal = new AbortController().signal;
  await using copies = new Copies({ dataDir: folder.path, events: told, signal });
  await copies.finish();
  assert.deepEqual([told.copies, told.failures], [[], []]);
});

Deno.test("a copy that fails is told, and harms neither the CSV file nor the capture", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  await Deno.writeTextFile(`${dataDir}/parquet`, "a file where a folder should be");
  await using log = await FilledLog.open(dataDir);
  const telemetry = telemetryOf("writer"), signal = new AbortController().signal;
  const events = copyEvents(telemetry);
  await using copies = new Copies({ dataDir, events, signal, quietMs: 20 });
  await using writing = await Writing.start(await log.reader(), dataDir, {
    sealed: (path) => copies.sealed(path),
  });
  await log.append("EURUSD", ticksFrom(MORNING_MS, 500));
  await log.append("EURUSD", ticksFrom(MORNING_MS + DAY_MS, 10));
  await until(() => copies.trouble !== "");
  assert.match(copies.trouble, /^1 without their Parquet copy, e\.g\. ticks\/fx\/EURUSD/);
  assert.equal(await rowsIn(`${dataDir}/${CSV}`), 500);
  const health = new WriterHealth({
    ...{ dataDir, minFreeGb: 0, maxUsedPercent: 100, degradedBacklog: 1, criticalBacklog: 2 },
    copies,
  });
  health.logReached(0, writing.captures);
  health.cycle(true);
  const { level, components } = await health.describe();
  assert.equal(level, "healthy");
  assert.match(components.data_quality?.message ?? "", /succeeded; 1 without their Parquet copy/);
  const metrics = await telemetry.registry.metrics();
  assert.match(metrics, /arbitrex_parquet_failures_total 1/);
  await log.append("EURUSD", ticksFrom(MORNING_MS + DAY_MS + 1000, 10));
  await until(async () => await rowsIn(openPath(dataDir, "EURUSD", "2025-12-23")) === 20);
  await writing.stop();
});

Deno.test("what does not fit into the queue is not kept, and found again by the survey", async () => {
  await using folder = await tempFolder();
  await sealRows(folder.path, walkingRows(100));
  const told = new Told(), signal = new AbortController().signal;
  await using copies = new Copies({ dataDir: folder.path, events: told, signal });
  for (let file = 0; file < 1000; file++) copies.sealed(`ticks/fx/NONE/2025-12-22__${file}.csv`);
  copies.sealed(CSV);
  assert.equal(told.mostWaiting, 1000);
  await copies.finish();
  assert.deepEqual(told.copies, [COPY]);
  assert.equal(told.failures.length, 1000);
});

Deno.test("nothing is copied while days are sealed one after another", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder, told = new Told(), stop = new AbortController();
  await using copies = new Copies({ dataDir, events: told, signal: stop.signal, quietMs: 60_000 });
  await sealRows(dataDir, walkingRows(100));
  copies.sealed(CSV);
  await sealRows(dataDir, walkingRows(100), { symbol: "GBPUSD" });
  copies.sealed(CSV.replace("EURUSD", "GBPUSD"));
  assert.deepEqual([told.copies, told.mostWaiting], [[], 2]);
  await copies.finish();
  assert.deepEqual(told.copies, [COPY, COPY.replace("EURUSD", "GBPUSD")]);
});

Deno.test("a copy beside a capture is made in short steps", async () => {
  await using folder = await tempFolder();
  await sealRows(folder.path, walkingRows(25_000));
  const told = new Told(), signal = new AbortController().signal;
  await using copies = new Copies({ dataDir: folder.path, events: told, signal });
  await copies.finish();
  using copy = await TableFile.open(`${folder.path}/${COPY}`, TICK_TABLE);
  assert.deepEqual(copy.footer.rowGroups.map(({ rows }) => rows), [10_000, 10_000, 5000]);
  assert.deepEqual(await compareParquet(folder.path, CSV), []);
});

Deno.test("an end amid a copy leaves no half file, and is no failure", async () => {
  await using folder = await tempFolder();
  await sealRows(folder.path, walkingRows(250_000));
  const told = new Told(), stop = new AbortController();
  await using copies = new Copies({ dataDir: folder.path, events: told, signal: stop.signal });
  await until(() => isThere(`${folder.path}/${COPY}.tmp`));
  stop.abort();
  await copies.finish();
  assert.deepEqual([told.copies, told.failures], [[], []]);
  assert.equal(await isThere(`${folder.path}/${COPY}`), false);
  assert.equal(await isThere(`${folder.path}/${COPY}.tmp`), false);
});

Deno.test("a writer that was not asked for copies loads nothing of them", async () => {
  const signal = new AbortController().signal, telemetry = telemetryOf("writer");
  assert.equal(await startCopies(false, { dataDir: "nowhere", telemetry, signal }), undefined);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "workers/writer/main.ts"],
    cwd: ROOT,
  }).output();
  const graph = JSON.parse(new TextDecoder().decode(stdout)) as {
    roots: string[];
    modules: {
      specifier: string;
      dependencies?: { isDynamic?: boolean; code?: { specifier?: string } }[];
    }[];
  };
  const loaded = new Set<string>(), next = [...graph.roots];
  for (let specifier = next.pop(); specifier !== undefined; specifier = next.pop()) {
    if (loaded.has(specifier)) continue;
    loaded.add(specifier);
    const module = graph.modules.find((each) => each.specifier === specifier);
    for (const { isDynamic, code } of module?.dependencies ?? []) {
      if (!isDynamic && code?.specifier !== undefined) next.push(code.specifier);
    }
  }
  assert.ok([...loaded].some((name) => name.endsWith("workers/writer/write.ts")));
  assert.deepEqual([...loaded].filter((name) => /parquet-wasm|apache-arrow/.test(name)), []);
  assert.deepEqual([...loaded].filter((name) => name.endsWith("parquet/copies.ts")), []);
});

Deno.test("a kill amid a copy leaves no half file; the next run makes it", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  await sealRows(dataDir, walkingRows(150_000));
  for (const step of ["parquet.rows.after", "parquet.rows.after:2", "parquet.rename.before"]) {
    const { code } = await run(dataDir, [dataDir], { FAIL_POINT: step });
    assert.equal(code, 137, step);
    assert.equal(await isThere(`${dataDir}/${COPY}`), false, step);
    assert.equal(await isThere(`${dataDir}/${COPY}.tmp`), true, step);
  }
  const { code, out } = await run(dataDir, [dataDir]);
  assert.equal(code, 0);
  assert.match(out, /^1 files copied: 150000 rows, .* 0 failed$/m);
  assert.deepEqual(await compareParquet(dataDir, CSV), []);
  assert.equal(await isThere(`${dataDir}/${COPY}.tmp`), false);
});

Deno.test("the command copies what is asked for and says by its exit code whether all has its copy", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  await sealRows(dataDir, walkingRows(100), { symbol: "EURUSD" });
  await sealRows(dataDir, walkingRows(100, SEALED_DAY_MS + DAY_MS), { symbol: "EURUSD" });
  await sealRows(dataDir, walkingRows(100), { symbol: "GBPUSD" });
  const gbp = await run(dataDir, ["--symbols", "GBPUSD"], { DATA_DIR: dataDir });
  assert.match(gbp.out, /^1 files copied: 100 rows/);
  const rest = await run(dataDir, [dataDir]);
  assert.match(rest.out, /^2 files copied: 200 rows, .* 1 had their copy; 0 failed/);
  const again = await run(dataDir, [dataDir, "--again"]);
  assert.match(again.out, /^3 files copied/);
  assert.deepEqual([gbp.code, rest.code, again.code], [0, 0, 0]);
  const csv = `${dataDir}/${CSV}`;
  await Deno.writeTextFile(csv, (await Deno.readTextFile(csv)).replace("1.", "2."));
  const damaged = await run(dataDir, [dataDir, "--again"]);
  assert.equal(damaged.code, 1);
  assert.match(damaged.err, /sha256/);
  assert.match(damaged.out, /^2 files copied: .* 1 failed/);
  assert.equal((await run(dataDir, [`${dataDir}/none`])).code, 2);
  assert.equal((await run(dataDir, ["--wrong"])).code, 2);
});
