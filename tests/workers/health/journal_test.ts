import assert from "node:assert/strict";
import { Journal } from "../../../workers/health/journal.ts";

const START = Date.parse("2025-12-22T08:00:00Z");

Deno.test("an entry is told for ten minutes, with its time", () => {
  const journal = new Journal();
  journal.note("error", "queue: too deep", START);
  journal.note("warning", "filesystem: nearly full", START + 1000);
  const line = "2025-12-22T08:00:00.000Z queue: too deep";
  assert.deepEqual(journal.recent("error", START + 599_999), [line]);
  assert.deepEqual(journal.recent("error", START + 600_000), []);
  assert.equal(journal.recent("warning", START + 600_000).length, 1);
});

Deno.test("of more than a thousand entries the newest stay", () => {
  const journal = new Journal();
  for (let i = 0; i < 1500; i++) journal.note("error", `${i}`, START + i);
  const recent = journal.recent("error", START + 1500);
  assert.equal(recent.length, 1000);
  assert.match(String(recent.at(-1)), / 1499$/);
});
