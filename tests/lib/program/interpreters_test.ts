import assert from "node:assert/strict";
import { allowedInterpreters } from "../../../lib/program/interpreters.ts";

const run = (...allowed: string[]) => ({
  permissions: { run: allowed.length === 0 ? false as const : allowed, read: true as const },
});
const EXISTS = Deno.execPath();

Deno.test("interpreters that may be run are handed on", run(EXISTS), () => {
  assert.deepEqual(allowedInterpreters([EXISTS, "python"]), [EXISTS]);
  assert.deepEqual(allowedInterpreters([]), []);
});

Deno.test("a path without a file is told from one that may not be run", run(), () => {
  assert.throws(
    () => allowedInterpreters(["/nowhere/python"]),
    /^Error: Cannot start drivers with \/nowhere\/python: there is no such file; .*PYTHON/,
  );
  assert.throws(
    () => allowedInterpreters([EXISTS]),
    /this process may not run it; .*--allow-run=/,
  );
});

Deno.test("without Python in PATH the message says to install it", run(), () => {
  assert.throws(
    () => allowedInterpreters(["py", "python", "python3"]),
    /with py, python, python3: none is in PATH and allowed; install Python/,
  );
});
