import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readAudit } from "../../../../workers/writer/audit/audit_record.ts";
import { startBridge } from "../../../support/bridge_server.ts";
import { HistorySource } from "../../../support/history_source.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import {
  at,
  captureDay,
  DAY,
  LATER_MS,
  NAME,
  namesIn,
  OFFSET_MS,
  stamped,
} from "../../../lib/capture/additions/day_rig.ts";

const MAIN = fileURLToPath(new URL("../../../../workers/writer/audit/main.ts", import.meta.url));
const TICKS = Array.from({ length: 40 }, (_, index) => at(index * 1000));

/** The command as a process with no more rights than it needs. */
async function audit(
  { port, dataDir }: { port: number; dataDir: string },
  ...args: string[]
): Promise<{ code: number; out: string; errors: string }> {
  const flags = [
    ...["run", "--no-check", `--allow-net=127.0.0.1:${port}`, "--allow-read"],
    ...[`--allow-write=${dataDir}`, "--allow-env"],
  ];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...flags, MAIN, ...args],
    env: { DATA_DIR: dataDir, BRIDGE_PORT: String(port), TICK_QUEUE_BACKEND: "sqlite" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), errors: text(stderr) };
}

Deno.test("deno task audit tells a table, heals, and exits by what it found", async () => {
  await using folder = await tempFolder();
  const dataDir = folder.path;
  const source = new HistorySource({
    clock: { zone: "UTC", shiftMs: OFFSET_MS },
    nowServerMs: LATER_MS,
  });
  source.history = TICKS;
  await captureDay(dataDir, stamped(TICKS.slice(2)));
  await using bridge = await startBridge(source);
  const at = { port: bridge.port, dataDir };

  const dry = await audit(at, "--date", NAME, "--dry-run");
  assert.match(dry.out, /EURUSD +38 +0 +2 +0 +0 +0 +2 not written/, dry.errors);
  assert.deepEqual([dry.code, namesIn(dataDir)], [1, [`${NAME}.csv`]]);

  const healed = await audit(at, "--date", NAME, "--symbols", "EURUSD");
  assert.match(
    healed.out,
    /^symbol +captured +missed +added +removed +rewritten +written +result$/m,
  );
  assert.match(healed.out, /EURUSD +38 +0 +2 +0 +0 +2 +healed/);
  assert.equal(healed.code, 0);

  const json = await audit(at, "--date", NAME, "--json");
  assert.deepEqual(JSON.parse(json.out).captured, 40);
  assert.equal((await readAudit(dataDir, "EURUSD", DAY))?.earlier.length, 1);

  const nothing = await audit(at, "--date", "2024-01-01");
  assert.deepEqual([nothing.code, nothing.out], [1, "no sealed file of that day is here\n"]);
  const unusable = await audit(at, "--date", "yesterday");
  assert.match(unusable.errors, /--date: expected a day such as 2025-12-22/);
  assert.equal(unusable.code, 2);
  await bridge[Symbol.asyncDispose]();
  const away = await audit(at, "--date", NAME);
  assert.equal(away.code, 3, away.errors);
});
