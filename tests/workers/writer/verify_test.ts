import assert from "node:assert/strict";
import { tempFolder } from "../../support/temp_folder.ts";
import { verify } from "../../../workers/writer/verify.ts";
import { DAY_MS, FilledLog, MORNING_MS, ticksFrom, Writing } from "./writing.ts";

const FOLDER = "ticks/fx/EURUSD";
const MONDAY = `${FOLDER}/2025-12-22.csv`;
const MANIFEST = "metadata/ingestion_logs/2025-12-22T000000Z_EURUSD_TICK.json";

/** Two sealed days of a symbol. */
async function sealedFolder(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await tempFolder();
  await using filled = await FilledLog.open(`${folder.path}/source`);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 20));
  await filled.append("EURUSD", ticksFrom(MORNING_MS + DAY_MS, 20));
  await filled.mark("EURUSD", MORNING_MS + DAY_MS + 1000, true);
  await using log = await filled.reader();
  await using writing = await Writing.start(log, folder.path, { once: true });
  await writing.done;
  return folder;
}

/** Changes the lines of Monday's file. */
async function edit(path: string, change: (lines: string[]) => void): Promise<void> {
  const lines = (await Deno.readTextFile(`${path}/${MONDAY}`)).split("\n");
  change(lines);
  await Deno.writeTextFile(`${path}/${MONDAY}`, lines.join("\n"));
}

Deno.test("untouched files have no differences", async () => {
  await using folder = await sealedFolder();
  assert.deepEqual(await verify(folder.path), { files: 2, rows: 40, differences: [] });
});

const DAMAGES: Record<string, { damage: (path: string) => Promise<void>; says: RegExp[] }> = {
  "a flipped byte in a price": {
    damage: (path) => edit(path, (lines) => lines[5] = lines[5]?.replace(",1.1,", ",1.3,") ?? ""),
    says: [/^sha256 /],
  },
  "a flipped byte in a separator": {
    damage: (path) => edit(path, (lines) => lines[5] = lines[5]?.replace(",1.1,", ";1.1,") ?? ""),
    says: [/row 5 cannot be read/, /^rows 4, in the manifest 20/],
  },
  "a removed row": {
    damage: (path) => edit(path, (lines) => lines.splice(5, 1)),
    says: [/^bytes /, /^rows 19, in the manifest 20/],
  },
  "a removed last row": {
    damage: (path) => edit(path, (lines) => lines.splice(-2, 1)),
    says: [/^last id /],
  },
  "a row that stands twice": {
    damage: (path) => edit(path, (lines) => lines.splice(5, 0, lines[5] ?? "")),
    says: [/row 6 is out of order/],
  },
  "swapped rows": {
    damage: (path) =>
      edit(path, (lines) => [lines[5], lines[6]] = [lines[6] ?? "", lines[5] ?? ""]),
    says: [/row 6 is out of order/],
  },
  "a truncated file": {
    damage: async (path) => await Deno.truncate(`${path}/${MONDAY}`, 300),
    says: [/a line without its end/, /^bytes 300,/],
  },
  "an emptied file": {
    damage: async (path) => await Deno.truncate(`${path}/${MONDAY}`, 0),
    says: [/^bytes 0,/, /^rows 0,/],
  },
  "a missing file": {
    damage: (path) => Deno.remove(`${path}/${MONDAY}`),
    says: [/^the file is missing/],
  },
  "a missing manifest": {
    damage: (path) => Deno.remove(`${path}/${MANIFEST}`),
    says: [/^the manifest is missing/],
  },
};

for (const [what, { damage, says }] of Object.entries(DAMAGES)) {
  Deno.test(`verify names ${what}, and nothing of the other day`, async () => {
    await using folder = await sealedFolder();
    await damage(folder.path);
    const { differences } = await verify(folder.path);
    assert.deepEqual([...new Set(differences.map(({ path }) => path))], [MONDAY]);
    for (const words of says) {
      assert.ok(differences.some((found) => words.test(found.what)), JSON.stringify(differences));
    }
  });
}

Deno.test("verify names a file that nobody sealed", async () => {
  await using folder = await sealedFolder();
  await Deno.copyFile(
    `${folder.path}/${MONDAY}`,
    `${folder.path}/${MONDAY.replace(".csv", "__1.csv")}`,
  );
  const { differences } = await verify(folder.path);
  assert.deepEqual(differences, [
    { path: `${FOLDER}/2025-12-22__1.csv`, what: "the manifest is missing" },
  ]);
});

Deno.test("verify names two days whose files were exchanged, and a manifest that is none", async () => {
  await using folder = await sealedFolder();
  const at = (name: string) => `${folder.path}/${FOLDER}/${name}`;
  await Deno.rename(at("2025-12-22.csv"), at("kept"));
  await Deno.rename(at("2025-12-23.csv"), at("2025-12-22.csv"));
  await Deno.rename(at("kept"), at("2025-12-23.csv"));
  const exchanged = await verify(folder.path);
  assert.equal(new Set(exchanged.differences.map(({ path }) => path)).size, 2);
  await Deno.writeTextFile(`${folder.path}/${MANIFEST}`, "{}");
  const { differences } = await verify(folder.path);
  assert.ok(differences.some(({ path }) => path === MANIFEST));
});
