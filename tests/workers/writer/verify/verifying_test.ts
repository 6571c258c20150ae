import assert from "node:assert/strict";
import { tempFolder } from "../../../support/temp_folder.ts";
import { until } from "../../../support/until.ts";
import { severalAtOnce } from "../../../../workers/writer/several_at_once.ts";
import { verified } from "../damages.ts";
import { DAY_MS, FilledLog, MORNING_MS, ticksFrom, Writing } from "../writing.ts";
import {
  addAgain,
  AUDIT,
  copyFolder,
  HEAD,
  LAST_MANIFEST,
  LOGS,
  MONDAY,
  MONDAY_ADDED,
  TUESDAY,
  writeProvenFolder,
} from "./proven_folder.ts";

const HOUR_MS = 3_600_000;

Deno.test("a folder that the programs wrote themselves has no difference", async () => {
  await using folder = await tempFolder();
  await writeProvenFolder(folder.path);
  const { differences, ...counted } = await verified(folder.path, { silenceMs: HOUR_MS });
  assert.deepEqual(differences, []);
  assert.equal(counted.manifests, 7);
  assert.equal(counted.files, 10, "five sealed days and parts, two open ones, three files of bars");
});

Deno.test("a folder that is written and sealed meanwhile has no difference", async () => {
  await using folder = await tempFolder();
  await using filled = await FilledLog.open(folder.path);
  await using log = await filled.reader();
  await using _writing = await Writing.start(log, folder.path);
  let stop = false;
  const appending = (async () => {
    for (let step = 0; !stop; step++) {
      await filled.append("EURUSD", ticksFrom(MORNING_MS + step * 6 * HOUR_MS, 200));
      await until(async () => (await filled.log.backlog("writer")).size === 0);
    }
  })();
  let files = 0;
  while (files < 20) {
    const found = await verified(folder.path, { recheckMs: 100 });
    const told = found.differences.filter(({ severity }) => severity !== "note");
    assert.deepEqual(told, []);
    files = found.files;
  }
  stop = true;
  await appending;
});

Deno.test("only the named symbols are looked at, and quickly no rows are read", async () => {
  await using folder = await tempFolder();
  await writeProvenFolder(folder.path);
  const lines = (await Deno.readTextFile(`${folder.path}/${TUESDAY}`)).split("\n");
  lines[5] = lines[5]?.replace(",1.1", ",1.2") ?? "";
  await Deno.writeTextFile(`${folder.path}/${TUESDAY}`, lines.join("\n"));
  assert.equal((await verified(folder.path, { symbols: ["GBPUSD"] })).differences.length, 0);
  assert.equal((await verified(folder.path, { symbols: ["EURUSD"] })).differences.length, 1);
  const quick = await verified(folder.path, { quick: true });
  assert.deepEqual(quick.differences, [], "the length is the same");
  assert.equal(quick.rows, 0);
  await Deno.truncate(`${folder.path}/${MONDAY}`, 100);
  const { differences } = await verified(folder.path, { quick: true });
  assert.match(differences[0]?.what ?? "", /^bytes 100, in the manifest/);
});

Deno.test("manifests from before there were chains are a note and no difference", async () => {
  await using folder = await tempFolder();
  await writeProvenFolder(folder.path);
  await Deno.remove(`${folder.path}/${HEAD}`);
  for await (const { name } of Deno.readDir(`${folder.path}/${LOGS}`)) {
    if (!name.includes("EURUSD_TICK")) continue;
    const path = `${folder.path}/${LOGS}/${name}`;
    const { previous: _, ...manifest } = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, JSON.stringify(manifest));
  }
  const { differences } = await verified(folder.path, { symbols: ["EURUSD"] });
  const notes = differences.filter(({ severity }) => severity === "note");
  assert.match(notes[0]?.what ?? "", /3 manifests are from before there were chains/);
  // The copies name the manifests that they were made by, which are others now.
  assert.ok(
    differences.every(({ path, severity }) => severity === "note" || path.startsWith("parquet/")),
  );
});

Deno.test("what a killed program left to be finished is a note, and is finished", async () => {
  await using folder = await tempFolder();
  const at = (path: string) => `${folder.path}/${path}`;
  await writeProvenFolder(folder.path);
  const temporary = `${MONDAY_ADDED}.audit.tmp`, next = "metadata/chains/EURUSD_TICK.next";
  // An audit is noted when all of this is done.
  await Deno.remove(at(AUDIT));
  await Deno.remove(at(`parquet/${MONDAY_ADDED.replace(".csv", ".parquet")}`));
  const severities = async () => {
    const { differences } = await verified(folder.path);
    return differences.map(({ severity, path }) => `${severity} ${path}`);
  };
  await Deno.rename(at(MONDAY_ADDED), at(temporary));
  assert.deepEqual(await severities(), [`note ${temporary}`], "its manifest is there");
  await Deno.rename(at(LAST_MANIFEST), at(next));
  assert.deepEqual(await severities(), [`note ${next}`, `note ${temporary}`], "as is the head");
  await addAgain(folder.path);
  assert.deepEqual(await severities(), []);
});

Deno.test("a hole that is named, and a closed market, are no gap", async () => {
  await using folder = await tempFolder();
  await using filled = await FilledLog.open(folder.path);
  const friday = MORNING_MS - 3 * DAY_MS;
  // From Friday's close to Sunday's opening, 22:00 UTC in winter, nothing is missing.
  await filled.append("EURUSD", ticksFrom(friday + 14 * HOUR_MS - 60_000, 10));
  await filled.append("EURUSD", ticksFrom(friday + 2 * DAY_MS + 14 * HOUR_MS, 10));
  await filled.append("EURUSD", ticksFrom(friday + 2 * DAY_MS + 18 * HOUR_MS, 10));
  await filled.append("EURUSD", ticksFrom(friday + 2 * DAY_MS + 23 * HOUR_MS, 10));
  const hole = {
    symbols: ["EURUSD"],
    fromMs: friday + 2 * DAY_MS + 18 * HOUR_MS,
    toMs: friday + 2 * DAY_MS + 23 * HOUR_MS,
    reason: "the vendor's feed was down",
  };
  await using log = await filled.reader();
  await using writing = await Writing.start(log, folder.path);
  await until(async () => (await filled.log.backlog("writer")).size === 0);
  await writing.stop();
  await Deno.writeTextFile(`${folder.path}/metadata/gaps.jsonl`, `\n${JSON.stringify(hole)}\n`);
  const { differences } = await verified(folder.path, { silenceMs: HOUR_MS });
  assert.deepEqual(differences.map(({ severity, what }) => `${severity}: ${what}`), [
    "gap: no tick from 2025-12-21 22:01 to 2025-12-22 02:00 (4 h), while FX was open, and " +
    "no gap is named",
  ]);
});

Deno.test({
  name: "a folder that lies on another disk, behind a link, is looked at",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await tempFolder();
    const data = `${folder.path}/data`, disk = `${folder.path}/disk`;
    await writeProvenFolder(data);
    const whole = await verified(data);
    await Deno.rename(`${data}/ohlcv`, disk);
    await Deno.symlink(disk, `${data}/ohlcv`);
    assert.deepEqual(await verified(data), whole);
    await Deno.symlink(folder.path, `${data}/around`);
    const { differences } = await verified(data);
    assert.deepEqual(differences.map(({ path }) => path), ["around"], "it leads back to itself");
  },
});

Deno.test("the command prints a table or JSON, and its exit code tells what it found", async () => {
  await using folder = await tempFolder();
  const data = `${folder.path}/data`, damaged = `${folder.path}/damaged`;
  await writeProvenFolder(data);
  await copyFolder(data, damaged);
  await Deno.remove(`${damaged}/${TUESDAY}`);
  const good = await run(data);
  assert.deepEqual([good.code, good.out.at(-1)?.slice(-15)], [0, "; 0 differences"]);
  const bad = await run(damaged);
  assert.equal(bad.code, 1);
  assert.equal(bad.out[0], "severity  file and what");
  const at = bad.out.indexOf(`damage    ${TUESDAY}`);
  assert.match(bad.out[at + 1] ?? "", /^ {12}the file is missing: /);
  const json = await run(damaged, "--json", "--symbols", "GBPUSD");
  assert.equal(json.code, 0);
  assert.equal(JSON.parse(json.out.join("\n")).difference_count, 0);
  for (const args of [["--bogus"], ["--workers", "no"], ["--symbols", "../x"], ["a", "b"]]) {
    assert.equal((await run(damaged, ...args)).code, 2, args.join(" "));
  }
  assert.equal((await run(`${folder.path}/nowhere`)).code, 2);
  assert.equal((await run(damaged, "--symbols", "GBPUSD,EURUDS")).code, 2, "there is none");
  await Deno.mkdir(`${folder.path}/empty`);
  assert.equal((await run(`${folder.path}/empty`)).code, 2, "it is no data folder");
});

Deno.test("several at once are never more than so many, and the first failure ends them", async () => {
  let now = 0, most = 0;
  const done: number[] = [];
  await severalAtOnce([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 2));
    now--;
    done.push(item);
  });
  assert.deepEqual([most, done.length], [3, 7]);
  const begun: number[] = [];
  const failing = severalAtOnce([1, 2, 3, 4, 5], 2, (item) => {
    begun.push(item);
    return item === 2 ? Promise.reject(new Error("no")) : Promise.resolve();
  });
  await assert.rejects(failing, /no/);
  assert.ok(begun.length < 5);
});

async function run(...args: string[]): Promise<{ code: number; out: string[] }> {
  const main = new URL("../../../../workers/writer/verify/main.ts", import.meta.url);
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--allow-read", "--allow-env", main.pathname, ...args],
    cwd: new URL("../../../../", import.meta.url),
    env: { VERIFY_RECHECK_MS: "0" },
    stderr: "piped",
  }).output();
  return { code, out: new TextDecoder().decode(stdout).trimEnd().split("\n") };
}
