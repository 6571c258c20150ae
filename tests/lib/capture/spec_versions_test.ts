import assert from "node:assert/strict";
import { lockRegistry } from "../../../lib/capture/source_registry.ts";
import { recordSpec, specAt } from "../../../lib/capture/spec_versions.ts";
import type { VendorFields } from "../../../lib/market/vendor_fields.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const MONDAY = Date.parse("2025-12-22T00:00:00Z");
const DAY_MS = 86_400_000;

/** Records specifications of one symbol in one folder. */
async function recorder(dataDir: string) {
  (await lockRegistry(dataDir)).close();
  return (fields: VendorFields, { utcMs = MONDAY, source = "mt5:Demo", digits = 5 } = {}) =>
    recordSpec(dataDir, {
      described: { symbol: "EURUSD", rawName: "EURUSDm", digits, fields },
      source,
      utcMs,
      dryRun: false,
    });
}

Deno.test("each version says what changed and holds until the next", async () => {
  await using folder = await tempFolder();
  const record = await recorder(folder.path);
  const first = await record({ swap_long: -7, margin_initial: 0, bid: 1.1 });
  assert.deepEqual(first, {
    valid_from_utc: "2025-12-22T00:00:00.000Z",
    source: "mt5:Demo",
    symbol: "EURUSD",
    symbol_raw: "EURUSDm",
    changed: {},
    spec: { digits: 5, swap_long: -7, margin_initial: 0 },
  });
  const same = await record({ swap_long: -7, margin_initial: 0, bid: 1.2 }, { utcMs: MONDAY + 1 });
  assert.equal(same, undefined);
  const second = await record({ swap_long: -8, margin_initial: 0 }, {
    utcMs: MONDAY + DAY_MS,
    digits: 4,
  });
  assert.deepEqual(second?.changed, {
    digits: { old: 5, new: 4 },
    swap_long: { old: -7, new: -8 },
  });
  const swapAt = async (utcMs: number) =>
    (await specAt(folder.path, { symbol: "EURUSD", utcMs }))?.spec.swap_long;
  assert.equal(await swapAt(MONDAY - 1), undefined);
  assert.equal(await swapAt(MONDAY), -7);
  assert.equal(await swapAt(MONDAY + DAY_MS - 1), -7);
  assert.equal(await swapAt(MONDAY + DAY_MS), -8);
  assert.equal(await specAt(folder.path, { symbol: "GBPUSD", utcMs: MONDAY }), undefined);
});

Deno.test("names alone are no specification, and a field that is not told is kept", async () => {
  await using folder = await tempFolder();
  const record = await recorder(folder.path);
  assert.equal(await record({}), undefined);
  await record({ swap_long: -7, trade_mode: 4 });
  assert.equal(await record({ trade_mode: 4 }), undefined);
  const changed = await record({ trade_mode: 0 });
  assert.deepEqual(changed?.spec, { digits: 5, swap_long: -7, trade_mode: 0 });
});

Deno.test("another source is another version, with nothing of the one before", async () => {
  await using folder = await tempFolder();
  const record = await recorder(folder.path);
  await record({ swap_long: -7, trade_mode: 4 });
  const other = await record({ swap_long: -7 }, { source: "fxcm:Real" });
  assert.deepEqual(other?.changed, { source: { old: "mt5:Demo", new: "fxcm:Real" } });
  assert.deepEqual(other?.spec, { digits: 5, swap_long: -7 });
});

Deno.test("a line that a crash cut off is replaced, and a clock set back keeps the order", async () => {
  await using folder = await tempFolder();
  const record = await recorder(folder.path);
  await record({ swap_long: -7 }, { utcMs: MONDAY + DAY_MS });
  const path = `${folder.path}/metadata/source_registry/specs/EURUSD.jsonl`;
  const whole = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, whole + whole.slice(0, 40));
  const torn = await specAt(folder.path, { symbol: "EURUSD", utcMs: MONDAY + DAY_MS });
  assert.equal(torn?.spec.swap_long, -7);
  const second = await record({ swap_long: -8 }, { utcMs: MONDAY });
  assert.equal(second?.valid_from_utc, "2025-12-23T00:00:00.000Z");
  assert.equal(await Deno.readTextFile(path), `${whole}${JSON.stringify(second)}\n`);
  assert.equal(
    (await specAt(folder.path, { symbol: "EURUSD", utcMs: MONDAY + DAY_MS }))?.spec.swap_long,
    -8,
  );
});

Deno.test("a damaged line is named with its number", async () => {
  await using folder = await tempFolder();
  const record = await recorder(folder.path);
  await record({ swap_long: -7 });
  const path = `${folder.path}/metadata/source_registry/specs/EURUSD.jsonl`;
  await Deno.writeTextFile(path, `${await Deno.readTextFile(path)}{"a":1}\n`);
  await assert.rejects(
    specAt(folder.path, { symbol: "EURUSD", utcMs: MONDAY }),
    /line 2 of .*EURUSD\.jsonl.*current value is \{"a":1\}/,
  );
});
