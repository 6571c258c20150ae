import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };

/**
 * The runtime that `deno compile` embeds is not to be had everywhere, so the lists are tested: what an
 * executable needs comes through its module graph or `--include`.
 */

const ROOT = new URL("../../", import.meta.url);
const PROGRAMS = ["bridge", "collector", "writer", "gateway", "health"];
const commands = config.tasks.compile.command.split(" && ");

function mainOf(program: string): string {
  return program === "bridge" ? "bridge/main.ts" : `workers/${program}/main.ts`;
}

/** Local modules that a module reaches by static imports, as paths from the root. */
async function graphOf(main: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", main],
    cwd: ROOT,
  }).output();
  const info: { modules: { specifier: string; error?: string }[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  assert.deepEqual(info.modules.filter(({ error }) => error !== undefined), []);
  return info.modules.map(({ specifier }) => specifier)
    .filter((specifier) => specifier.startsWith(ROOT.href))
    .map((specifier) => decodeURIComponent(specifier.slice(ROOT.href.length)));
}

Deno.test("there is an executable for each program, with its own permissions", () => {
  for (const program of PROGRAMS) {
    assert.ok(
      commands.includes(
        `deno compile -P=${program} --output dist/arbitrex-${program} ${mainOf(program)}`,
      ),
      program,
    );
  }
});

Deno.test("the executable of start includes each Web Worker that it starts", async () => {
  const command = commands.find((line) => line.endsWith("workers/start.ts")) ?? "";
  const included = [...command.matchAll(/--include (\S+)/g)].map(([, path]) => path).sort();
  const source = await Deno.readTextFile(new URL("workers/start.ts", ROOT));
  const started = [...source.matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)]
    .map(([, path = ""]) =>
      new URL(path, new URL("workers/start.ts", ROOT)).href.slice(ROOT.href.length)
    )
    .sort();
  assert.deepEqual(started, PROGRAMS.map(mainOf).sort());
  assert.deepEqual(included, started);
  assert.match(command, /^deno compile --v8-flags=--optimize-for-size -P=start /);
});

Deno.test("no module of an executable looks for a file beside its source", async () => {
  for (const main of ["workers/start.ts", ...PROGRAMS.map(mainOf)]) {
    for (const path of await graphOf(main)) {
      if (!path.endsWith(".ts")) continue;
      const source = await Deno.readTextFile(new URL(path, ROOT));
      const uses = [...source.matchAll(/import\.meta\.(\w+)/g)].map(([, name]) => name);
      // A driver is read by Python, not from the executable, which asks for DRIVER_DIR instead.
      const allowed = ["workers/start.ts", "bridge/logins/drivers.ts"].includes(path)
        ? ["url"]
        : [];
      assert.deepEqual(
        uses.filter((name) => name === undefined || !allowed.includes(name)),
        [],
        path,
      );
    }
  }
});

Deno.test("the page is part of the gateway's module graph", async () => {
  assert.ok(
    (await graphOf("workers/gateway/main.ts")).includes("workers/gateway/page/bundle.json"),
  );
});
