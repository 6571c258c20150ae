import assert from "node:assert/strict";
import { writeDurably, writeToDisk } from "../../../lib/capture/durable_file.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { tempFolder } from "../../support/temp_folder.ts";

Deno.test("a file is replaced as a whole, and nothing is left beside it", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/note.json`;
  await writeDurably(path, "one");
  await writeDurably(path, "two");
  assert.equal(await Deno.readTextFile(path), "two");
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["note.json"]);
});

Deno.test({
  name: "a disk that is full names the file",
  // The device that refuses every byte is Linux's.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const bytes = new TextEncoder().encode("bars");
    await assert.rejects(writeToDisk("/dev/full", bytes, {}), (cause) => {
      assert.match(messageOf(cause), /^Cannot write \/dev\/full: .*No space left/);
      assert.ok(cause instanceof Error && cause.cause instanceof Error);
      return true;
    });
  },
});
