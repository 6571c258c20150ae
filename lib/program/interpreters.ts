/**
 * Those of the interpreters that this process may run, to be handed on to a program of its own.
 * @throws when it may run none of them: whether one is missing or only the permission.
 */
export function allowedInterpreters(commands: readonly string[]): string[] {
  const allowed = commands.filter((command) =>
    Deno.permissions.querySync({ name: "run", command }).state === "granted"
  );
  if (allowed.length > 0 || commands.length === 0) return allowed;
  const paths = commands.filter((command) => /[\\/]/.test(command));
  const missing = paths.find(isMissing);
  const wider = `deno run -P=start --allow-run=${commands.join(",")} workers/start.ts`;
  if (missing !== undefined) {
    throw new Error(
      `Cannot start drivers with ${missing}: there is no such file; name the path of Python in PYTHON, or unset it to try those in PATH`,
    );
  }
  if (paths.length > 0) {
    throw new Error(
      `Cannot start drivers with ${
        paths[0]
      }: this process may not run it; put its folder first in PATH without PYTHON, or use ${wider}`,
    );
  }
  // A permission to run a name holds for what PATH had under it; without that there is none.
  throw new Error(
    `Cannot start drivers with ${
      commands.join(", ")
    }: none is in PATH and allowed; install Python from https://www.python.org/downloads/ (bridge/README.md says which), put its folder into PATH, or use ${wider}`,
  );
}

function isMissing(path: string): boolean {
  try {
    Deno.statSync(path);
    return false;
  } catch (cause) {
    return cause instanceof Deno.errors.NotFound;
  }
}
