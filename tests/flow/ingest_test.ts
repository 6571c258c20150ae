import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { barCycleSchema } from "../../lib/capture/bars/bar_cycle.ts";
import { FAIL_POINT_EXIT_CODE } from "../../lib/program/fail_point.ts";
import { startBridgeProgram } from "../support/bridge_program.ts";
import { runIngest, startIngest } from "../support/ingest_program.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";
import { Rig } from "./rig.ts";

/** Batch ingestion as its users run it: the bridge and the command as processes of their own. */

/** A market whose present stands still, so that two runs ask for the same. */
const MARKET = {
  SOURCE: "simulated",
  SIMULATED_UNTIL: "2025-12-29T09:30:00Z",
  SIMULATED_HISTORY_DAYS: "3650",
  SIMULATED_ALWAYS_OPEN: "0",
};
const SERIES = ["--symbols", "EURUSD,USDJPY,XAUUSD", "--timeframes", "1H,4H,1D"];
const RANGE = ["--from", "2025-10-01"];
/** Many small reads, so that a kill finds work half done. */
const SMALL = { INGEST_CHUNK_BARS: "200" };

async function startMarket(env: Readonly<Record<string, string>> = {}) {
  const bridge = startBridgeProgram({ ...MARKET, ...env }, { flags: ["-A"] });
  const port = await bridge.port;
  return {
    port,
    async [Symbol.asyncDispose]() {
      try {
        bridge.child.kill("SIGKILL");
      } catch {
        // The test has ended it already.
      }
      await bridge.ended();
    },
  };
}

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesIn(path);
    else yield path;
  }
}

/** Hash and time of each data file by its path in the folder; locks are no data. */
async function dataFiles(dataDir: string, { times = false } = {}): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const path of filesIn(`${dataDir}/ohlcv`)) {
    if (!/\.csv(\.open)?$/.test(path)) continue;
    const hash = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
    const time = times ? ` ${(await Deno.stat(path)).mtime?.getTime()}` : "";
    files.set(path.slice(dataDir.length + 1), hash + time);
  }
  return new Map([...files].sort());
}

async function cyclesOf(dataDir: string) {
  const cycles = [];
  for await (const path of filesIn(`${dataDir}/metadata/ingestion_logs`)) {
    if (path.endsWith(".json")) {
      cycles.push(barCycleSchema.parse(JSON.parse(await Deno.readTextFile(path))));
    }
  }
  return cycles.sort((a, b) => a.written_at < b.written_at ? -1 : 1);
}

/** Every file is as the newest record that names it says. */
async function assertProven(dataDir: string): Promise<void> {
  const proofs = new Map<string, string>();
  for (const { files } of await cyclesOf(dataDir)) {
    for (const { path, sha256 } of files) proofs.set(path, sha256);
  }
  for (const [path, hash] of await dataFiles(dataDir)) assert.equal(proofs.get(path), hash, path);
}

Deno.test("a second run writes no data file, and --resume asks for nothing", async () => {
  await using folder = await tempFolder();
  await using market = await startMarket();
  const dataDir = `${folder.path}/bars`, { port } = market;
  const run = (...args: string[]) =>
    runIngest([...SERIES, ...RANGE, "--output-dir", dataDir, ...args], { port, dir: folder.path });
  const dry = await run("--dry-run");
  assert.equal(dry.code, 0, dry.err);
  assert.match(dry.out, /EURUSD +1H +2025-10-01 to 2025-12-29T09:00Z +\d+ bars/);
  assert.deepEqual([...Deno.readDirSync(folder.path)], [], "a dry run writes nothing");

  const first = await run();
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /EURUSD +1D +\d+ +\d+ +\d+/);
  const files = await dataFiles(dataDir, { times: true });
  assert.ok(files.has("ohlcv/fx/EURUSD/1H/2025-12-22.csv"));
  assert.ok(files.has("ohlcv/fx/EURUSD/1H/2025-12-29.csv.open"));
  assert.ok(files.has("ohlcv/fx/XAUUSD/1D/2025-11.csv"));
  await assertProven(dataDir);
  const [cycle] = await cyclesOf(dataDir);
  assert.match(cycle?.cycle_id ?? "", /^\d{4}-\d\d-\d\dT\d{6}Z_(EURUSD|USDJPY|XAUUSD)_(1H|4H|1D)$/);
  assert.equal(cycle?.source, "SIMULATED");

  const second = await run("--json");
  const events = second.out.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(
    events.at(-1)?.series.map(({ files }: { files: number }) => files),
    Array(9).fill(0),
  );
  assert.deepEqual(await dataFiles(dataDir, { times: true }), files);

  const resumed = await run("--resume");
  assert.equal(resumed.code, 0, resumed.err);
  assert.match(
    resumed.out,
    /Nothing to read: what was asked for is in the files, or not closed yet/,
  );
  assert.deepEqual(await dataFiles(dataDir, { times: true }), files);
  const logs = [...Deno.readDirSync(`${dataDir}/mt5/session_logs`)].map(({ name }) => name);
  assert.equal(
    logs.filter((name) => /^ingest_run_\d{8}T\d{6}Z(__\d+)?\.log$/.test(name)).length,
    3,
  );
});

Deno.test("--resume after kill -9 at random moments ends with the files of a run in peace", async () => {
  await using folder = await tempFolder();
  await using market = await startMarket();
  const peace = `${folder.path}/peace`, war = `${folder.path}/war`;
  const given = { port: market.port, dir: folder.path, env: SMALL };
  const args = [...SERIES, ...RANGE, "--rate-limit", "0", "--output-dir"];
  const undisturbed = await runIngest([...args, peace], given);
  assert.notEqual(undisturbed.code, 2, undisturbed.err);
  for (let kills = 0; kills < 8; kills++) {
    const program = startIngest([...args, war, "--resume"], given);
    await until(() => program.text() !== "");
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
    try {
      program.child.kill("SIGKILL");
    } catch {
      // It was done before.
    }
    await program.ended();
  }
  const last = await runIngest([...args, war, "--resume"], given);
  assert.notEqual(last.code, 2, last.err);
  assert.deepEqual(await dataFiles(war), await dataFiles(peace));
  await assertProven(war);
});

Deno.test("a run that dies at each step of storing and recording is resumed to the same files", async () => {
  await using folder = await tempFolder();
  await using market = await startMarket();
  const peace = `${folder.path}/peace`, war = `${folder.path}/war`;
  const given = { port: market.port, dir: folder.path };
  const args = ["--symbols", "EURUSD", "--timeframes", "1H", ...RANGE, "--workers", "1"];
  const run = (dataDir: string, env: Record<string, string>) =>
    runIngest([...args, "--rate-limit", "0", "--output-dir", dataDir, "--resume"], {
      ...given,
      env: { INGEST_CHUNK_BARS: "48", ...env },
    });
  assert.equal((await run(peace, {})).code, 0);
  const steps = [
    ...["bars.write.before", "bars.write.after", "bars.note.before", "bars.note.after"],
    ...["bars.name.before", "bars.name.after", "bars.folder.before", "bars.folder.after"],
    ...["chain.next.before", "chain.next.after", "chain.publish.before", "chain.publish.after"],
    ...["chain.head.before", "chain.head.after"],
  ];
  for (const step of steps) {
    const { code, err } = await run(war, { FAIL_POINT: `${step}:2` });
    assert.equal(code, FAIL_POINT_EXIT_CODE, `${step} ${err}`);
  }
  assert.equal((await run(war, {})).code, 0);
  assert.deepEqual(await dataFiles(war), await dataFiles(peace));
  await assertProven(war);
});

Deno.test("Ctrl-C finishes what is in hand and says how to go on", async () => {
  await using folder = await tempFolder();
  await using market = await startMarket();
  const given = { port: market.port, dir: folder.path, env: SMALL };
  const dataDir = `${folder.path}/bars`;
  const args = [...SERIES, ...RANGE, "--output-dir", dataDir];
  const program = startIngest([...args, "--rate-limit", "0.5", "--workers", "1"], given);
  await until(() => program.text() !== "");
  program.child.kill("SIGINT");
  const { code, out, err } = await program.ended();
  assert.equal(code, 1, err);
  assert.match(out, /Stopping/);
  const command = /To go on: deno task ingest (.*)/.exec(out)?.[1];
  assert.equal(command, `${args.join(" ")} --rate-limit 0.5 --workers 1 --resume`);
  const resumed = await runIngest([...args, "--resume"], given);
  assert.notEqual(resumed.code, 2, resumed.err);
  const whole = `${folder.path}/whole`;
  await runIngest([...SERIES, ...RANGE, "--output-dir", whole], given);
  assert.deepEqual(await dataFiles(dataDir), await dataFiles(whole));
});

Deno.test("a bridge that is killed in the middle and started again costs a pause", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/bars`;
  let program, port: number;
  {
    await using market = await startMarket();
    port = market.port;
    program = startIngest(
      [...SERIES, ...RANGE, "--output-dir", dataDir, "--rate-limit", "0.2"],
      { port, dir: folder.path, env: SMALL },
    );
    await until(() => program?.text() !== "");
  }
  await until(() => program.text().includes("Cannot reach"));
  await using _again = await startMarket({ BRIDGE_PORT: String(port) });
  const { code, out, err } = await program.ended();
  assert.notEqual(code, 2, err);
  assert.match(out, /simulated:market is there again/);
  assert.match(out, / 0 FAILED/);
});

Deno.test("without a bridge it says how to start one", async () => {
  await using folder = await tempFolder();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, err } = await runIngest([], { port, dir: folder.path });
  assert.equal(code, 2);
  assert.match(err, new RegExp(`Cannot reach the bridge at 127\\.0\\.0\\.1:${port}`));
  assert.match(err, /deno task bridge/);
});

Deno.test("it works beside deno task start, over the same bridge and in the same folder", async () => {
  await using rig = await Rig.open({
    shape: "embedded",
    settings: { SOURCE: "simulated", SIMULATED_TICKS_PER_SECOND: "200" },
    args: [],
  });
  rig.startAll();
  const health = `http://127.0.0.1:${rig.ports.health}/health`;
  const isHealthy = async () => {
    const response = await fetch(health);
    await response.body?.cancel();
    return response.ok;
  };
  await until(isHealthy);
  const { code, out, err } = await runIngest(["--symbols", "EURUSD,XAUUSD", "--workers", "2"], {
    ...{ port: rig.ports.bridge, dir: rig.dir },
    env: { DATA_DIR: rig.dataDir },
  });
  assert.equal(code, 0, err + rig.output);
  assert.match(out, /6 SUCCESS, 0 PARTIAL, 0 FAILED/);
  await assertProven(rig.dataDir);
  await until(isHealthy);
});
