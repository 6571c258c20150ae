import assert from "node:assert/strict";
import { configureLog, programLog } from "../../../lib/program/log.ts";

for (const format of ["text", "json"] as const) {
  Deno.test(`a ${format} line keeps the braces of what it quotes, and fills in its own`, async () => {
    const lines: string[] = [];
    await configureLog({ format, level: "info", print: (line) => lines.push(line) });
    programLog("writer").info('the vendor said {"code":5}');
    programLog("writer").info("{count} rows", { count: 3 });
    const shown = format === "json" ? JSON.stringify('{"code":5}').slice(1, -1) : '{"code":5}';
    assert.ok(lines[0]?.includes(shown), `${lines}`);
    assert.ok(lines[1]?.includes("3 rows"), `${lines}`);
  });
}
