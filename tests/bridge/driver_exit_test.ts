import assert from "node:assert/strict";
import { type DriverExit, exitReason } from "../../bridge/driver/driver_exit.ts";

function reason(
  status: Partial<Deno.CommandStatus>,
  rest: Partial<Omit<DriverExit, "status">> = {},
): string {
  const whole = { success: false, code: 1, signal: null, ...status };
  return exitReason({ vendor: "fxcm", hadOpened: true, lastLine: "", ...rest, status: whole });
}

Deno.test("a fault on Windows is told by its NTSTATUS, signed or not", () => {
  const words =
    "The Python process of fxcm crashed with 0xC0000005 (a fault in the memory of the vendor's library).";
  assert.equal(reason({ code: 0xC0000005 }), words);
  assert.equal(reason({ code: 0xC0000005 | 0 }), words);
});

Deno.test("a signal without words of its own is named all the same", () => {
  assert.equal(reason({ signal: "SIGHUP" }), "The Python process of fxcm crashed with SIGHUP.");
});

Deno.test("the Microsoft Store's link is told from a crash", () => {
  assert.match(reason({ code: 9009 }), /only a link to the Microsoft Store\. Install Python/);
});

Deno.test("an end with code 0 is a riddle only before the login", () => {
  const ended = { success: true, code: 0 };
  assert.match(reason(ended, { hadOpened: false, vendor: "mt5" }), /A second terminal64\.exe/);
  assert.doesNotMatch(reason(ended, { hadOpened: false }), /terminal64/);
  assert.equal(reason(ended), "The Python process of fxcm ended by itself, with code 0.");
});

Deno.test("what it said last is told", () => {
  const lastLine = "ValueError: no";
  const words = "The Python process of fxcm ended with code 3. Its last line: ValueError: no";
  assert.equal(reason({ code: 3 }, { lastLine }), words);
});
