import assert from "node:assert/strict";
import { breachOf, partOf, resolve } from "./import_law.ts";

Deno.test("the import law knows the part of the tree that a file belongs to", () => {
  assert.equal(partOf("lib/log/tick_log.ts"), "lib");
  assert.equal(partOf("bridge/serve.ts"), "bridge");
  assert.equal(partOf("workers/writer/write.ts"), "workers/writer");
  assert.equal(partOf("workers/gateway/page/page.ts"), "workers/gateway");
  assert.equal(partOf("workers/start.ts"), "workers");
  assert.equal(partOf("tests/flow/prove.ts"), "tests");
  assert.equal(partOf("deno.json"), undefined);
});

Deno.test("the import law lets programs import lib and their own files only", () => {
  assert.equal(breachOf("workers/writer/write.ts", "lib/log/tick_log.ts"), undefined);
  assert.equal(breachOf("workers/writer/write.ts", "workers/writer/seal.ts"), undefined);
  assert.equal(breachOf("tests/flow/prove.ts", "workers/writer/write.ts"), undefined);
  for (
    const [from, to] of [
      ["workers/writer/write.ts", "workers/gateway/app.ts"],
      ["workers/start.ts", "workers/writer/main.ts"],
      ["lib/log/tick_log.ts", "workers/writer/write.ts"],
      ["lib/log/tick_log.ts", "bridge/serve.ts"],
      ["bridge/serve.ts", "workers/collector/collect.ts"],
      ["workers/collector/collect.ts", "bridge/serve.ts"],
      ["lib/log/tick_log.ts", "tests/support/temp_folder.ts"],
    ] as const
  ) {
    assert.match(breachOf(from, to) ?? "", /^Cannot import/);
  }
});

Deno.test("the import law resolves relative specifiers from the importing file", () => {
  assert.equal(resolve("workers/writer/write.ts", "../../lib/log/x.ts"), "lib/log/x.ts");
  assert.equal(resolve("workers/writer/write.ts", "./seal.ts"), "workers/writer/seal.ts");
});
