import assert from "node:assert/strict";
import { writeAccountSnapshot } from "../../../lib/capture/account_snapshot.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const ACCOUNT = {
  ...{ id: "5012345", server: "Broker-Live", currency: "EUR" },
  ...{ fields: { leverage: 30, balance: 1000.5 }, terminal: { build: 5430, maxbars: 100_000 } },
};
const TAKEN = { source: "mt5:Broker-Live", utcMs: Date.UTC(2026, 0, 5, 12), recordAccount: false };

async function snapshotIn(folder: string) {
  const path = `${folder}/mt5/account_snapshot/20260105T120000Z.json`;
  return JSON.parse(await Deno.readTextFile(path));
}

Deno.test("an account's snapshot tells accounts apart, and no number unless it is wanted", async () => {
  await using folder = await tempFolder();
  await writeAccountSnapshot(folder.path, ACCOUNT, TAKEN);
  const { account_id, account, terminal } = await snapshotIn(folder.path);
  assert.match(account_id, /^[0-9a-f]{16}$/);
  assert.deepEqual([account, terminal], [ACCOUNT.fields, ACCOUNT.terminal]);
  await writeAccountSnapshot(folder.path, { ...ACCOUNT, id: "5012346" }, TAKEN);
  assert.notEqual((await snapshotIn(folder.path)).account_id, account_id);
  await writeAccountSnapshot(folder.path, ACCOUNT, { ...TAKEN, recordAccount: true });
  assert.equal((await snapshotIn(folder.path)).account_id, "5012345");
});

Deno.test("a vendor that says nothing of the account leaves no snapshot", async () => {
  await using folder = await tempFolder();
  const { id, server, currency } = ACCOUNT;
  await writeAccountSnapshot(folder.path, { id, server, currency }, TAKEN);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});
