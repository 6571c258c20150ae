import assert from "node:assert/strict";
import { openDataFolder } from "../../../lib/capture/data_folder.ts";
import { tempFolder } from "../../support/temp_folder.ts";

Deno.test("a data folder remembers its kind and refuses another, saying what to set", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/new`;
  const first = await openDataFolder(path, "simulated");
  assert.deepEqual(await openDataFolder(path, "simulated"), { ...first });
  await assert.rejects(openDataFolder(path, "raw"), (error) => {
    return error instanceof TypeError &&
      error.message.includes("folder of raw data: current value is simulated") &&
      error.message.includes("DATA_KIND");
  });
});

Deno.test("programs that begin a folder at once agree on what it is, and leave nothing else", async () => {
  await using folder = await tempFolder();
  const opened = await Promise.all(
    Array.from({ length: 8 }, () => openDataFolder(folder.path, "replay")),
  );
  assert.equal(new Set(opened.map(({ id }) => id)).size, 1);
  const names = [...Deno.readDirSync(`${folder.path}/metadata`)].map(({ name }) => name);
  assert.deepEqual(names, ["folder.json"]);
});

Deno.test("a folder's note that is no note is named", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/metadata`);
  await Deno.writeTextFile(`${folder.path}/metadata/folder.json`, "{");
  await assert.rejects(openDataFolder(folder.path, "raw"), /folder\.json as the note/);
});

for (const program of ["collector", "writer"]) {
  Deno.test(`the ${program} refuses a data folder of another kind`, async () => {
    await using folder = await tempFolder();
    await openDataFolder(folder.path, "replay");
    const main = new URL(`../../../workers/${program}/main.ts`, import.meta.url).href;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", main],
      env: { DATA_DIR: folder.path, DATA_KIND: "simulated", HEALTH_PORT: "0" },
    }).output();
    assert.equal(code, 1);
    assert.match(new TextDecoder().decode(stderr), /folder of simulated data: .* is replay/);
    assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["metadata"]);
  });
}
