/**
 * The path of a Python interpreter that has numpy, for drivers and the fakes of their vendors: that
 * of `PYTHON`, else the first that has it. Undefined when there is none; when there must be one
 * (REQUIRE_SERVERS=1) throws.
 */
export function pythonWithNumpy(): string | undefined {
  return pythonWith(["numpy"], "Tests of the drivers");
}

/** The same for what reads our Parquet files as people do: polars and DuckDB. */
export function pythonWithParquet(): string | undefined {
  return pythonWith(["polars", "duckdb"], "Tests that read Parquet as others do");
}

const found = new Map<string, { readonly path: string | undefined }>();

function pythonWith(modules: readonly string[], tests: string): string | undefined {
  const key = modules.join();
  const known = found.get(key), path = known === undefined ? find(modules) : known.path;
  found.set(key, { path });
  if (path !== undefined) return path;
  const how = `there is no Python with ${modules.join(" and ")}: pip install ${
    modules.join(" ")
  }, or name an interpreter in PYTHON`;
  if (Deno.env.get("REQUIRE_SERVERS") === "1") throw new Error(`Cannot run this test: ${how}`);
  if (known === undefined) console.warn(`${tests} are skipped: ${how}`);
  return undefined;
}

/** A launcher's own start costs more than Python's, so the path is that of what it starts. */
function find(modules: readonly string[]): string | undefined {
  const named = Deno.env.get("PYTHON");
  const names = named ? [named] : ["python3", "/usr/bin/python3", "python"];
  const code = `import sys, ${modules.join(", ")}; print(sys.executable)`;
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
