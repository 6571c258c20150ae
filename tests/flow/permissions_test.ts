import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };

/** Runs a line of code with a program's own permission set and answers what it printed. */
async function tryAs(set: string, code: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/attempt.ts`, code);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--config",
        "deno.json",
        `-P=${set}`,
        `${folder}/attempt.ts`,
      ],
      cwd: new URL("../../", import.meta.url),
      env: { NO_COLOR: "1" },
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the writer cannot open a socket to the outside", async () => {
  for (const address of ['"192.0.2.1", port: 80', '"127.0.0.1", port: 22']) {
    assert.match(
      await tryAs("writer", `await Deno.connect({ hostname: ${address} });`),
      /NotCapable: Requires net access to "(192\.0\.2\.1:80|127\.0\.0\.1:22)"/,
    );
  }
  assert.match(
    await tryAs("writer", 'await fetch("https://example.org/");'),
    /NotCapable: Requires net access to "example\.org:443"/,
  );
});

Deno.test("the gateway cannot write files, not even in the data folder", async () => {
  for (const path of ["data/raw/ticks/fx/EURUSD/x.csv", "x.txt"]) {
    assert.match(
      await tryAs("gateway", `await Deno.writeTextFile("${path}", "x");`),
      /NotCapable: Requires write access to/,
    );
  }
});

for (const set of ["bridge", "collector", "writer", "gateway", "health"]) {
  Deno.test(`${set} may run no other program and load no library`, async () => {
    assert.match(
      await tryAs(set, 'new Deno.Command("true").spawn();'),
      /NotCapable: Requires run access/,
    );
    assert.match(
      await tryAs(set, 'Deno.dlopen("libc.so.6", {});'),
      /NotCapable: Requires ffi access/,
    );
  });
}

Deno.test("only the bridge is handed the vendors' passwords", () => {
  for (const set of ["collector", "writer", "gateway", "health"] as const) {
    const secrets = config.permissions[set].env.allow.filter((name) => /^(MT5|FXCM)_/.test(name));
    assert.deepEqual(secrets, []);
  }
});
