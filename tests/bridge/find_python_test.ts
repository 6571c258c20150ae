import assert from "node:assert/strict";
import type { DriverErrorCode } from "../../bridge/driver/driver_error.ts";
import { findPython, type WantedPython } from "../../bridge/driver/find_python.ts";
import { readProbe } from "../../bridge/driver/python_probe.ts";
import { pythonWithNumpy } from "../support/python.ts";
import { tempFolder } from "../support/temp_folder.ts";

const python = pythonWithNumpy();
const isWindows = Deno.build.os === "windows";
// Interpreters are played by shell scripts.
const ignore = python === undefined || isWindows;

const WANTED: WantedPython = {
  vendor: "mt5",
  min: "3.8",
  bits: 64,
  modules: ["numpy"],
  packages: ["MetaTrader5", "numpy"],
};

/** What a Python of another version would answer. */
function playing(version: string, { bits = 64, then = "{}" } = {}): string {
  const facts = JSON.stringify({ version, bits, executable: `/opt/${version}/python` });
  return `echo 'arbitrex-python:${facts}'\necho 'arbitrex-python:${then}'`;
}

const REAL = `exec ${python} "$@"`;
/** What prints nothing and ends; the Microsoft Store's link does so with a code that only Windows has. */
const NO_PYTHON = "exit 49";

/** A folder with commands of these names, to be searched alone. */
async function commands(
  scripts: Readonly<Record<string, string>>,
): Promise<{ path: string; env: Record<string, string> } & AsyncDisposable> {
  const folder = await tempFolder();
  for (const [name, script] of Object.entries(scripts)) {
    const path = `${folder.path}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return Object.assign(folder, { env: { PATH: folder.path } });
}

async function find(
  scripts: Readonly<Record<string, string>>,
  { wanted = {}, probeLimitMs }: { wanted?: Partial<WantedPython>; probeLimitMs?: number } = {},
): Promise<{ command: string; args: readonly string[]; version: string }> {
  await using folder = await commands(scripts);
  const { env } = folder;
  return await findPython({ ...WANTED, ...wanted }, { setting: "MT5_PYTHON", env, probeLimitMs });
}

function testRefusal(
  name: string,
  scripts: Readonly<Record<string, string>>,
  { code, message, ...options }: {
    code: DriverErrorCode;
    message: RegExp;
    wanted?: Partial<WantedPython>;
    probeLimitMs?: number;
  },
): void {
  Deno.test({
    name,
    ignore,
    fn: () => assert.rejects(find(scripts, options), { name: "DriverError", code, message }),
  });
}

Deno.test({
  name: "py -3 comes first, then python, then python3",
  ignore,
  async fn() {
    const py = `test "$1" = -3 && shift && ${REAL}`;
    const all = { py, python: REAL, python3: REAL };
    const found = await find(all);
    assert.deepEqual([found.command, ...found.args], ["py", "-3"]);
    assert.match(found.version, /^3\.\d+\.\d+$/);
    assert.equal((await find({ python: REAL, python3: REAL })).command, "python");
    assert.equal((await find({ python3: REAL })).command, "python3");
  },
});

Deno.test({
  name: "what prints nothing is no Python, and the next one is taken",
  ignore,
  async fn() {
    assert.equal((await find({ python: NO_PYTHON, python3: REAL })).command, "python3");
  },
});

Deno.test("the link to the Microsoft Store is told from a Python", () => {
  const options = { modules: [], code: 9009, isLate: false, limitMs: 1 };
  const problem = "is only a link to the Microsoft Store, not a Python";
  assert.deepEqual(readProbe("", options), { problem });
});

Deno.test({
  name: "one that fits is taken, though one that does not comes before it",
  ignore,
  async fn() {
    const missing = '{"module": "numpy", "reason": "No module named numpy"}';
    const scripts = { py: playing("3.7.9"), python: playing("3.9.1", { then: missing }) };
    assert.equal((await find({ ...scripts, python3: REAL })).command, "python3");
  },
});

Deno.test({
  name: "a package that needs an old Python finds it by its number beside a new one",
  ignore,
  async fn() {
    const py = `test "$1" = -3.7 && ${playing("3.7.9").replace("\n", " && ")}`;
    const found = await find({ py, python: playing("3.12.1") }, {
      wanted: { min: "3.7", max: "3.7" },
    });
    assert.deepEqual([found.command, ...found.args, found.version], ["py", "-3.7", "3.7.9"]);
  },
});

testRefusal("without any Python it says what was tried and what to do", { python: NO_PYTHON }, {
  code: "missing",
  message:
    /^No Python was found for mt5\. Tried py -3: not found; python: is no Python \(it ended with code 49\); python3: not found\. Install Python 3\.8 or newer for 64 bits from https:\/\/www\.python\.org\/downloads\/, or name its path in MT5_PYTHON\.$/,
});

testRefusal("an old Python is told by its version", { python: playing("3.7.9") }, {
  code: "unusable",
  message:
    /^python is Python 3\.7\.9 \(\/opt\/3\.7\.9\/python\), which is too old: mt5 needs 3\.8 or newer for 64 bits\. Install/,
});

testRefusal("Python 2 is too old, and is understood", { python: playing("2.7.18") }, {
  code: "unusable",
  message: /python is Python 2\.7\.18 .* too old/,
});

testRefusal("a new Python is told by its version", { python3: playing("3.10.0") }, {
  wanted: { min: "3.7", max: "3.7" },
  code: "unusable",
  message: /3\.10\.0 .* too new: mt5 needs 3\.7 for 64 bits\. Install Python 3\.7 for 64 bits from/,
});

testRefusal("a Python for 32 bits is told", { python: playing("3.9.0", { bits: 32 }) }, {
  code: "unusable",
  message:
    /Python 3\.9\.0 .* for 32 bits, and there is no package for it: mt5 needs 3\.8 or newer for 64 bits\./,
});

testRefusal("a missing package comes with the command that installs it", { python3: REAL }, {
  wanted: { modules: ["no_such_vendor", "numpy"] },
  code: "unusable",
  message:
    /cannot import no_such_vendor: ModuleNotFoundError: .*\. Run: python3 -m pip install MetaTrader5 numpy$/,
});

testRefusal("of several reasons the one that is nearest to a solution is told", {
  py: NO_PYTHON,
  python: playing("3.7.9"),
  python3: REAL,
}, {
  wanted: { modules: ["no_such_vendor"] },
  code: "unusable",
  message: /^python3 .* which cannot import no_such_vendor/,
});

testRefusal("an interpreter that hangs is given up", { python: "exec /bin/sleep 60" }, {
  probeLimitMs: 200,
  code: "missing",
  message: /python: did not answer within 200 ms/,
});

testRefusal("an import that hangs is told as that package's", {
  python: `${playing("3.9.0").split("\n")[0]}\nexec /bin/sleep 60`,
}, {
  probeLimitMs: 200,
  code: "unusable",
  message: /which cannot import numpy: the import did not end within 200 ms/,
});

testRefusal("an import that crashes Python is told as that package's", {
  python: `${playing("3.9.0").split("\n")[0]}\nkill -SEGV $$`,
}, {
  code: "unusable",
  message: /cannot import numpy: the import ended Python with code 139/,
});

Deno.test({
  name: "a venv is named by its folder, and nothing else is tried",
  ignore,
  async fn() {
    await using folder = await commands({ "my venv/bin/python": REAL, python: REAL });
    const { env, path } = folder;
    const options = { setting: "MT5_PYTHON", env };
    const named = `${path}/my venv/`;
    const found = await findPython(WANTED, { ...options, named });
    assert.equal(found.command, `${path}/my venv/bin/python`);
    await assert.rejects(
      findPython({ ...WANTED, modules: ["no_such_vendor"] }, { ...options, named }),
      { message: /Run: "[^"]*my venv\/bin\/python" -m pip install MetaTrader5 numpy$/ },
    );
    await assert.rejects(findPython(WANTED, { ...options, named: `${path}/other` }), {
      code: "missing",
      message: /Tried \S+\/other: not found\./,
    });
  },
});

Deno.test({
  name: "a search that is not wanted any more ends",
  ignore,
  async fn() {
    await using folder = await commands({ python: "exec /bin/sleep 60" });
    const stop = new AbortController();
    const search = findPython(WANTED, {
      setting: "MT5_PYTHON",
      env: folder.env,
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(), 50);
    await assert.rejects(search, { code: "disposed" });
  },
});
