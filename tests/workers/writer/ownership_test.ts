import assert from "node:assert/strict";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import { FilledLog, MORNING_MS, openPath, rowsIn, ticksFrom } from "./writing.ts";

const MAIN = new URL("../../../workers/writer/main.ts", import.meta.url).href;

function startWriter(dataDir: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN],
    env: { DATA_DIR: dataDir, DATA_KIND: "simulated", HEALTH_PORT: "0" },
    stdout: "null",
    stderr: "null",
  }).spawn();
}

Deno.test("a second writer takes the symbols of one that was killed, and drains on SIGTERM", async () => {
  await using folder = await tempFolder();
  await using filled = await FilledLog.open(folder.path);
  const path = openPath(folder.path);
  const writers: Deno.ChildProcess[] = [];
  const start = () => {
    const writer = startWriter(folder.path);
    writers.push(writer);
    return writer;
  };
  try {
    await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
    const first = start();
    await until(async () => await rowsIn(path) === 100);
    const second = start();
    first.kill("SIGKILL");
    await first.status;
    await filled.append("EURUSD", ticksFrom(MORNING_MS + 1000, 100));
    await until(async () => await rowsIn(path) === 200);
    second.kill("SIGTERM");
    assert.equal((await second.status).code, 0);
    assert.equal((await filled.log.backlog("writer")).size, 0);
  } finally {
    for (const writer of writers) {
      try {
        writer.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await writer.status;
    }
  }
});
