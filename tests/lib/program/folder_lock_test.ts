import assert from "node:assert/strict";
import { FolderLock } from "../../../lib/program/folder_lock.ts";
import { until } from "../../support/until.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const module = new URL("../../../lib/program/folder_lock.ts", import.meta.url).href;

Deno.test("a lock is held once, and free again after its holder lets go", async () => {
  await using folder = await tempFolder();
  const first = await FolderLock.tryTake(`${folder.path}/deep/EURUSD`, "writer");
  assert.ok(first);
  assert.equal(await FolderLock.tryTake(`${folder.path}/deep/EURUSD`, "writer"), undefined);
  const owner = await FolderLock.ownerOf(`${folder.path}/deep/EURUSD`, "writer");
  assert.match(owner, new RegExp(`^process ${Deno.pid} since \\d{4}-`));
  first[Symbol.dispose]();
  using second = await FolderLock.tryTake(`${folder.path}/deep/EURUSD`, "writer");
  assert.ok(second);
});

Deno.test("locks of other names and folders do not meet", async () => {
  await using folder = await tempFolder();
  using writer = await FolderLock.tryTake(folder.path, "writer");
  using collector = await FolderLock.tryTake(folder.path, "collector");
  using elsewhere = await FolderLock.tryTake(`${folder.path}/x`, "writer");
  assert.ok(writer && collector && elsewhere);
});

Deno.test("a lock of another process is seen, named, and freed by SIGKILL", async () => {
  await using folder = await tempFolder();
  const source = `import { FolderLock } from ${JSON.stringify(module)};
    const lock = await FolderLock.tryTake(${JSON.stringify(folder.path)}, "writer");
    console.log(lock === undefined ? "refused" : "held");
    setInterval(() => lock, 1000);`;
  const holder = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", `data:text/typescript,${encodeURIComponent(source)}`],
    stdout: "piped",
  }).spawn();
  const output = holder.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await output.read()).value?.trim(), "held");
  assert.equal(await FolderLock.tryTake(folder.path, "writer"), undefined);
  const owner = await FolderLock.ownerOf(folder.path, "writer");
  assert.match(owner, new RegExp(`^process ${holder.pid} `));
  holder.kill("SIGKILL");
  await holder.status;
  await output.cancel();
  await until(async () => {
    using lock = await FolderLock.tryTake(folder.path, "writer");
    return lock !== undefined;
  });
});

Deno.test("a holder that left no name is said to have none", async () => {
  await using folder = await tempFolder();
  assert.equal(await FolderLock.ownerOf(folder.path, "writer"), "a process that left no name");
});
