import assert from "node:assert/strict";
import { FAIL_POINT_EXIT_CODE } from "../../../lib/program/fail_point.ts";

/** Runs `<name>_child.ts` of a folder of tests with the arguments and returns its exit code. */
export async function runChild(folder: string, name: string, ...args: string[]): Promise<number> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${folder}/${name}_child.ts`, ...args],
    stdout: "null",
    stderr: "piped",
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert.ok(code === 0 || code === FAIL_POINT_EXIT_CODE, said);
  return code;
}

/** The same for a child that must meet its fail point. */
export async function runUntilItEnds(folder: string, name: string, ...args: string[]) {
  assert.equal(await runChild(folder, name, ...args), FAIL_POINT_EXIT_CODE, args.join(" "));
}
