/**
 * Places where a test ends the program at once, as a kill would: nothing is flushed, no handler
 * runs. Without the setting a call costs one comparison.
 */
let armed: { step: string; remaining: number } | undefined;

/** The exit code of a program that met its fail point. */
export const FAIL_POINT_EXIT_CODE = 137;

/** @param setting `<step>` or `<step>:<count>`; see the setting FAIL_POINT. */
export function armFailPoint(setting: string | undefined): void {
  if (setting === undefined) return;
  const [step = "", count = "1"] = setting.split(":");
  armed = { step, remaining: Number(count) };
}

/** Names a step, e.g. `writer.commit.before`. */
export function failPoint(step: string): void {
  if (armed === undefined || armed.step !== step) return;
  armed.remaining--;
  if (armed.remaining <= 0) Deno.exit(FAIL_POINT_EXIT_CODE);
}
