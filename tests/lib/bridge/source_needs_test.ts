import assert from "node:assert/strict";
import {
  filesOfSource,
  interpretersOfSource,
  kindOfSource,
} from "../../../lib/bridge/source_needs.ts";
import { tempFolder } from "../../support/temp_folder.ts";

Deno.test("what ticks are follows from where they come from", () => {
  assert.equal(kindOfSource({}), "simulated");
  assert.equal(kindOfSource({ SOURCE: '"simulated" ' }), "simulated");
  assert.equal(kindOfSource({ SOURCE: "replay" }), "replay");
  for (const SOURCE of ["mt5", "fxcm", "sessions"]) assert.equal(kindOfSource({ SOURCE }), "raw");
});

Deno.test("invented and recorded ticks need no Python", () => {
  const texts = { PYTHON: "python3.7", SESSIONS_FILE: "sessions.json" };
  assert.deepEqual(interpretersOfSource(texts), []);
  assert.deepEqual(interpretersOfSource({ ...texts, SOURCE: "replay" }), []);
  assert.deepEqual(filesOfSource({ REPLAY_FILES: '["a.csv"]', BRIDGE_TLS_KEY: "k" }), [
    "a.csv",
    "k",
  ]);
});

Deno.test("a vendor needs the interpreter that is named, a venv by its folder, or one of three", async () => {
  await using folder = await tempFolder();
  assert.deepEqual(interpretersOfSource({ SOURCE: "mt5" }), ["py", "python", "python3"]);
  assert.deepEqual(interpretersOfSource({ SOURCE: "mt5", PYTHON: "python3.9" }), ["python3.9"]);
  const [inVenv = ""] = interpretersOfSource({ SOURCE: "fxcm", PYTHON: `${folder.path}/` });
  assert.match(inVenv, /arbitrex_.*(bin\/python|Scripts\\python\.exe)$/);
});

Deno.test("sessions need their interpreters and the files of their secrets", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/sessions.json`;
  const texts = { SOURCE: "sessions", SESSIONS_FILE: path, PYTHON: "python3.12" };
  await Deno.writeTextFile(
    path,
    JSON.stringify([
      { name: "a", passwordFile: "secret.txt" },
      { name: "b", python: "python3.7", pinFile: "pin.txt" },
    ]),
  );
  assert.deepEqual(interpretersOfSource(texts), ["python3.12", "python3.7"]);
  assert.deepEqual(filesOfSource(texts), [
    ...[path, "python3.12", "secret.txt", "python3.7", "pin.txt"],
  ]);
  await Deno.writeTextFile(path, "[");
  assert.deepEqual(interpretersOfSource(texts), ["python3.12"]);
});
