import assert from "node:assert/strict";
import { StartFailed, Supervised } from "../../../lib/program/supervisor.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";

function supervise(folder: string, restarts: string[]): Supervised {
  return new Supervised({
    name: "shaky",
    url: new URL("../../support/shaky_program.ts", import.meta.url),
    permissions: {
      net: false,
      read: [folder],
      write: [folder],
      env: [],
      sys: false,
      run: false,
      ffi: false,
      import: false,
    },
    settings: { DEATHS_FILE: `${folder}/deaths.json` },
    onLog: () => {},
    onRestart: (why) => restarts.push(why),
  });
}

async function untilLives(folder: string, times: number): Promise<void> {
  const lives = "lives\n".repeat(times);
  await until(async () => await Deno.readTextFile(`${folder}/deaths.json.lives`) === lives);
}

Deno.test("a program that dies is started again until it lives, and drains when told", async () => {
  await using folder = await tempFolder();
  await Deno.writeTextFile(`${folder.path}/deaths.json`, '{"before":0,"after":2}');
  const restarts: string[] = [];
  const program = supervise(folder.path, restarts);
  assert.deepEqual(await program.ready, { url: "here" });
  await untilLives(folder.path, 1);
  assert.deepEqual(restarts, ["death 2", "death 1"]);
  await program.drain();
  assert.equal(await Deno.readTextFile(`${folder.path}/deaths.json`), '"drained"');
});

Deno.test("a program that cannot start is not tried again, and says why", async () => {
  await using folder = await tempFolder();
  await Deno.writeTextFile(`${folder.path}/deaths.json`, '{"before":1,"after":0}');
  const restarts: string[] = [];
  const program = supervise(folder.path, restarts);
  await assert.rejects(
    program.ready,
    (error) => error instanceof StartFailed && error.message === "no licence",
  );
  await program.finished;
  assert.deepEqual(restarts, []);
});

Deno.test("a program that is replaced lets go of what it was and starts afresh", async () => {
  await using folder = await tempFolder();
  await Deno.writeTextFile(`${folder.path}/deaths.json`, '{"before":0,"after":0}');
  const restarts: string[] = [];
  const program = supervise(folder.path, restarts);
  await untilLives(folder.path, 1);
  program.replace("silent for 15 s");
  await untilLives(folder.path, 2);
  assert.deepEqual(restarts, ["silent for 15 s"]);
  await program.drain();
  assert.equal(await Deno.readTextFile(`${folder.path}/deaths.json`), '"drained"');
});
