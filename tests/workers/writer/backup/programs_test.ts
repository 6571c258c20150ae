import assert from "node:assert/strict";
import { dataFile, isThere, priceKey, readCaptured, readQuoteDay } from "../../../flow/recorded.ts";
import { tickFiles } from "../../../flow/recorded.ts";
import { RECORDING } from "../../../flow/crash_round.ts";
import { Rig } from "../../../flow/rig.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { until } from "../../../support/until.ts";
import { filesBelow } from "../../../../workers/writer/data_files.ts";
import { verified } from "../damages.ts";
import { writeProvenFolder } from "../verify/proven_folder.ts";

const ROOT = new URL("../../../../", import.meta.url);

/** The commands as their users run them, with the permission set of deno.json. */
async function run(
  command: "backup" | "restore",
  args: string[],
  failPoint?: string,
): Promise<{ code: number; out: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-check"],
      // A fail point is no setting of theirs for users.
      ...(failPoint === undefined ? ["-P=backup"] : ["-A"]),
      ...[`workers/writer/backup/${command}.ts`, ...args],
    ],
    cwd: ROOT,
    env: failPoint === undefined ? {} : { FAIL_POINT: failPoint },
  }).output();
  const texts = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: texts.join("") };
}

Deno.test({
  name:
    "programs that start on a restored backup, taken while others wrote, end with every tick once",
  ignore: !isThere(RECORDING),
  async fn() {
    await using rig = await Rig.open({
      shape: "processes",
      settings: { DATA_KIND: "replay", CAPTURE_FROM: "start", ONCE: "1", REPLAY_DISORDER: "7" },
      args: ["--replay", dataFile(RECORDING), "--speed", `${86_400 / 8}`],
    });
    const roles = ["bridge", "collector", "writer"] as const;
    for (const role of roles) rig.start(role);
    const rowsOf = (dataDir: string) => tickFiles(dataDir, "EURUSD").flatMap(readCaptured);
    const to = `${rig.dir}/backup`, restored = `${rig.dir}/restored`;
    for (const rows of [2000, 12_000]) {
      await until(() => rowsOf(rig.dataDir).length > rows);
      const { code, out } = await run("backup", ["--data-dir", rig.dataDir, "--to", to]);
      assert.equal(code, 0, out + rig.output);
    }
    for (const role of roles) await rig.kill(role);
    const { code, out } = await run("restore", ["--from", to, "--to", restored]);
    assert.equal(code, 0, out);
    const before = rowsOf(restored).length;
    assert.ok(before > 12_000 && before <= rowsOf(rig.dataDir).length, `${before} rows`);

    for (const role of roles) rig.start(role, { DATA_DIR: restored });
    assert.equal(await rig.ended("writer"), 0, rig.output);
    const rows = rowsOf(restored), source = readQuoteDay(RECORDING, 0);
    assert.deepEqual(rows.map(priceKey).sort(), source.map(priceKey).sort());
    assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
    assert.ok(tickFiles(restored, "EURUSD").every((path) => path.endsWith(".csv")));
    const { differences } = await verified(restored);
    assert.deepEqual(differences.filter(({ severity }) => severity === "damage"), []);
  },
});

Deno.test("a backup that is killed anywhere is incomplete, harms none before it, and goes on", async () => {
  await using folder = await tempFolder();
  const data = `${folder.path}/data`;
  await writeProvenFolder(data);
  const steps = ["backup.object", "backup.object:9", "backup.database:2", "backup.note.before"];
  for (const [round, step] of steps.entries()) {
    const to = `${folder.path}/backup_${round}`, restored = `${folder.path}/restored_${round}`;
    const args = ["--data-dir", data, "--to", to];
    assert.equal((await run("backup", args, step)).code, 137, step);
    const refused = await run("restore", ["--from", to, "--to", restored]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.out,
      /is incomplete \(run deno task backup again; it goes on where it was/,
    );
    const again = await run("backup", args);
    assert.equal(again.code, 0, again.out);
    assert.equal((await run("restore", ["--from", to, "--to", restored])).code, 0);
    await assertSame(data, restored);
  }
  // The note of the first backup stays good while a second one is killed.
  const to = `${folder.path}/backup_0`, restored = `${folder.path}/restored_before`;
  await Deno.writeTextFile(`${data}/metadata/more.json`, "{}");
  const killed = await run("backup", ["--data-dir", data, "--to", to], "backup.object");
  assert.equal(killed.code, 137);
  const older = await run("restore", ["--from", to, "--to", restored]);
  assert.equal(older.code, 0, older.out);
  assert.match(
    older.out,
    /A later backup began at .* and is incomplete: this is the one before it/,
  );
  assert.equal((await verified(restored)).differences.length, 0);
});

Deno.test("a restore that is killed anywhere leaves no data folder, and goes on", async () => {
  await using folder = await tempFolder();
  const data = `${folder.path}/data`, from = `${folder.path}/backup`;
  await writeProvenFolder(data);
  assert.equal((await run("backup", ["--data-dir", data, "--to", from])).code, 0);
  for (const step of ["restore.file", "restore.file:12", "restore.moved", "restore.moved:4"]) {
    const to = `${folder.path}/${step.replace(/\W/g, "_")}`;
    const args = ["--from", from, "--to", to];
    assert.equal((await run("restore", args, step)).code, 137, step);
    const done = await run("restore", args);
    assert.equal(done.code, 0, done.out);
    assert.match(done.out, /To read all of it again: deno task verify /);
    await assertSame(data, to);
    assert.deepEqual((await verified(to)).differences, []);
  }
});

Deno.test("a disk that is full is told, and the backup goes on once there is room", async () => {
  await using folder = await tempFolder();
  const data = `${folder.path}/data`, to = `${folder.path}/small`;
  await using disk = await smallDisk(to, "160k");
  if (disk === undefined) {
    return console.warn("The full disk is skipped: mounting a tmpfs needs Linux and root");
  }
  await writeProvenFolder(data);
  const args = ["--data-dir", data, "--to", to];
  const full = await run("backup", args);
  assert.equal(full.code, 1);
  assert.match(
    full.out,
    /There is no room on the disk: make room and run it again, and it goes on/,
  );
  await disk.grow("2m");
  const done = await run("backup", args);
  assert.equal(done.code, 0, done.out);
  const restored = await run("restore", ["--from", to, "--to", `${folder.path}/restored`]);
  assert.equal(restored.code, 0, restored.out);
});

Deno.test("the commands refuse arguments that make no sense", async () => {
  await using folder = await tempFolder();
  const data = `${folder.path}/data`;
  await Deno.mkdir(data);
  const backups = [[], ["--to", `${data}/in/it`, "--data-dir", data], ["--to", "x", "--bogus"]];
  backups.push(["--to", `${folder.path}/backup`, "--data-dir", `${folder.path}/nowhere`]);
  for (const args of backups) assert.equal((await run("backup", args)).code, 2, args.join(" "));
  for (const args of [[], ["--from", data], ["--to", data]]) {
    assert.equal((await run("restore", args)).code, 2, args.join(" "));
  }
  assert.deepEqual(await Array.fromAsync(filesBelow(folder.path)), []);
});

/** What programs keep is the same; locks are not kept, and databases are by what is in them. */
async function assertSame(one: string, other: string): Promise<void> {
  const listed = async (folder: string) => {
    const paths = await Array.fromAsync(filesBelow(folder));
    return paths.filter((path) => !/\.lock$|\.owner\.json$|^log\//.test(path)).sort();
  };
  assert.deepEqual(await listed(one), await listed(other));
  for (const path of await listed(one)) {
    assert.deepEqual(
      await Deno.readFile(`${one}/${path}`),
      await Deno.readFile(`${other}/${path}`),
      path,
    );
  }
}

/** A disk of its own, as small as asked; undefined where that is not allowed. */
async function smallDisk(path: string, size: string) {
  const run = (command: string, args: string[]) =>
    new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output();
  if (Deno.build.os !== "linux") return undefined;
  await Deno.mkdir(path);
  const mounted = await run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path])
    .catch(() => undefined);
  if (mounted?.success !== true) return undefined;
  return {
    grow: (to: string) => run("mount", ["-o", `remount,size=${to}`, path]),
    async [Symbol.asyncDispose]() {
      await run("umount", [path]);
    },
  };
}
