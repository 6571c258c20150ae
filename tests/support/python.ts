/**
 * The path of a Python interpreter that has numpy, for drivers and the fakes of their vendors: that
 * of `PYTHON`, else the first that has it. Undefined when there is none; when there must be one
 * (REQUIRE_SERVERS=1) throws.
 */
export function pythonWithNumpy(): string | undefined {
  found ??= { path: find() };
  if (found.path !== undefined) return found.path;
  const how = "there is no Python with numpy: pip install numpy, or name an interpreter in PYTHON";
  if (Deno.env.get("REQUIRE_SERVERS") === "1") throw new Error(`Cannot run this test: ${how}`);
  if (!told) console.warn(`Tests of the drivers are skipped: ${how}`);
  told = true;
  return undefined;
}

let found: { readonly path: string | undefined } | undefined;
let told = false;

/** A launcher's own start costs more than Python's, so the path is that of what it starts. */
function find(): string | undefined {
  const named = Deno.env.get("PYTHON");
  const names = named ? [named] : ["python3", "/usr/bin/python3", "python"];
  const code = "import sys, numpy; print(sys.executable)";
  for (const name of names) {
    try {
      const probe = new Deno.Command(name, { args: ["-c", code], stderr: "null" }).outputSync();
      const path = new TextDecoder().decode(probe.stdout).trim();
      if (probe.success && path !== "") return path;
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }
  return undefined;
}
