import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { COMMAND_SETTINGS, SETTINGS, variablesBySet } from "./settings_table.ts";

type SetName = keyof typeof config.permissions;

Deno.test("each permission set names exactly the variables that its program reads", () => {
  for (const [set, names] of Object.entries(variablesBySet())) {
    assert.deepEqual(config.permissions[set as SetName].env.allow, names, set);
  }
});

Deno.test("the README states every setting with its default", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  for (const table of Object.values({ ...SETTINGS, ...COMMAND_SETTINGS })) {
    for (const { name, fallback } of Object.values(table)) {
      const row = readme.split("\n").find((line) => line.startsWith(`| \`${name}\``));
      assert.ok(row, `${name} is in the README's table`);
      if (fallback !== undefined) {
        assert.ok(row.includes(`\`${fallback}\``), `${name}: ${fallback}`);
      }
    }
  }
});
