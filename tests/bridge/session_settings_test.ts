import assert from "node:assert/strict";
import { settings } from "../../bridge/config.ts";
import { readSessionsFile, singleSession } from "../../bridge/logins/session_settings.ts";
import { messageOf } from "../../lib/program/errors.ts";
import { readSettings } from "../../lib/program/settings.ts";
import { tempFolder } from "../support/temp_folder.ts";

const MT5 = { MT5_LOGIN: "12345", MT5_PASSWORD: "only to look", MT5_SERVER: "Broker-Demo" };

/** Reads a sessions file of these entries; `secret` is the text of the file `secret.txt` beside it. */
async function read(entries: unknown, secret = "hidden") {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/secret.txt`, `${secret}\n`);
    const text = JSON.stringify(entries).replaceAll("<folder>", folder.replaceAll("\\", "/"));
    await Deno.writeTextFile(`${folder}/sessions.json`, text);
    return await readSessionsFile(`${folder}/sessions.json`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const passwordFile = "<folder>/secret.txt";

Deno.test("one terminal is one session, named like its vendor", async () => {
  const set = readSettings(settings, { ...MT5, MT5_POLL_MS: "20", SYMBOL_SUFFIX: "@demo" });
  const session = await singleSession("mt5", set);
  assert.deepEqual([session.name, session.suffix], ["mt5", "@demo"]);
  assert.partialDeepStrictEqual(session.open, {
    ...{ login: 12345, password: "only to look", server: "Broker-Demo" },
    ...{ portable: false, pollMs: 20, maxPollMs: 500 },
  });
  assert.ok(!("terminal" in session.open) && !("user" in session.open));
});

Deno.test("a login that is not set is named with what it is", async () => {
  await assert.rejects(singleSession("mt5", readSettings(settings, {})), {
    name: "SettingsError",
    message: /without MT5_LOGIN: Number of[^]*without MT5_PASSWORD: [^]*without MT5_SERVER: /,
  });
  await assert.rejects(
    singleSession("fxcm", readSettings(settings, { FXCM_USERNAME: "D1" })),
    (cause: Error) =>
      /without FXCM_PASSWORD/.test(cause.message) && !/USERNAME:/.test(cause.message),
  );
});

Deno.test("a file of sessions gives each its own login, names and interpreter", async () => {
  const name = "SESSION_PASSWORD_OF_THE_TEST";
  Deno.env.set(name, "from a variable");
  try {
    const sessions = await read([
      {
        ...{ name: "main", vendor: "mt5", login: 1, server: "A", passwordFile },
        ...{ terminal: "C:\\mt5\\one\\terminal64.exe", portable: true },
      },
      {
        ...{ name: "fx", vendor: "fxcm", user: "D1", passwordEnv: name, suffix: "@fxcm" },
        ...{ aliases: { "US30": "WS30" }, python: "C:\\py37\\python.exe", connection: "Real" },
      },
    ]);
    const [main, fx] = sessions;
    assert.partialDeepStrictEqual(main?.open, {
      ...{ login: 1, server: "A", password: "hidden", portable: true, pollMs: 50 },
    });
    assert.partialDeepStrictEqual(fx, {
      ...{ name: "fx", suffix: "@fxcm", aliases: { "US30": "WS30" } },
      ...{ python: "C:\\py37\\python.exe" },
      open: { user: "D1", password: "from a variable", connection: "Real" },
    });
  } finally {
    Deno.env.delete(name);
  }
});

Deno.test("everything that is wrong with a file of sessions is named at once, and no secret", async () => {
  const work = read([
    { name: "a b", vendor: "mt4" },
    { name: "one", vendor: "mt5", login: "x", server: "A", password: "a secret", pollMs: [1] },
    { name: "two", vendor: "fxcm", user: "D1", passwordEnv: "HOME", colour: "red", suffix: "fx" },
    { name: "three", vendor: "fxcm", user: "D1", passwordFile: "<folder>/nothing.txt" },
    { name: "four", vendor: "fxcm", user: "D1", passwordEnv: "SESSION_PASSWORD_UNSET" },
    { name: "five", vendor: "mt5", server: "A", passwordFile, aliases: { GOLD: "XAU USD@" } },
    { name: "Five", vendor: "mt5", login: 1, server: "A", passwordFile, terminalFile: "x" },
  ]);
  const error = await work.then(() => undefined, (cause: Error) => cause);
  assert.equal(error?.name, "SettingsError");
  for (
    const expected of [
      /sessions\.0\.name .*expected letters/,
      /sessions\.0\.vendor/,
      /one\.login: expected a whole number/,
      /one\.password .*use passwordEnv or passwordFile/,
      /one\.pollMs .*expected a text/,
      /sessions\.2\.suffix .*expected @/,
      /three\.passwordFile/,
      /four\.passwordEnv .*SESSION_PASSWORD_UNSET is not set/,
      /mt5 without five\.login in SESSIONS_FILE: Number of/,
      /alias of GOLD/,
      /Five\.terminalFile .*no such field/,
      /both are called Five/,
      /one terminal for one and five/,
    ]
  ) {
    assert.match(error?.message ?? "", expected);
  }
  assert.doesNotMatch(error?.message ?? "", /a secret|hidden|without one\./);
});

Deno.test("a variable that is no password's, and an unknown field, are refused by name", async () => {
  await assert.rejects(
    read([{ name: "two", vendor: "fxcm", user: "D1", passwordEnv: "HOME", colour: "red" }]),
    /two\.passwordEnv .*no variable HOME: call it SESSION_PASSWORD_[^]*two\.colour .*no such field/,
  );
});

Deno.test("a password keeps its spaces and quotes, and a file of PowerShell is read too", async () => {
  const entry = { name: "one", vendor: "mt5", login: 1, server: "A", passwordFile };
  assert.equal((await read([entry], '"quoted" '))[0]?.open.password, '"quoted" ');
  await using folder = await tempFolder();
  const path = `${folder.path}/sessions.json`;
  const secret = `${folder.path}/secret.txt`;
  const utf16 = (text: string) => {
    const units = new Uint16Array([0xfeff, ...Array.from(text, (char) => char.charCodeAt(0))]);
    return new Uint8Array(units.buffer);
  };
  await Deno.writeFile(secret, utf16("hid den\r\n"));
  await Deno.writeFile(path, utf16(JSON.stringify([{ ...entry, passwordFile: secret }])));
  assert.equal((await readSessionsFile(path))[0]?.open.password, "hid den");
});

Deno.test("a file that is no list of sessions says so", async () => {
  await assert.rejects(read({}), /SESSIONS_FILE .*JSON list of 1 to 32 sessions/);
  await assert.rejects(
    read([{ name: "one", vendor: "mt5", login: 1, server: "A", passwordFile }], ""),
    /one\.passwordFile .*is empty/,
  );
  await assert.rejects(read([]), /SESSIONS_FILE .*JSON list of 1 to 32 sessions/);
  const unread = await readSessionsFile("/nowhere/sessions.json").catch(messageOf);
  assert.match(String(unread), /^Cannot read SESSIONS_FILE \/nowhere/);
  assert.equal(String(unread).match(/No such file/g)?.length, 1);
});
