import assert from "node:assert/strict";
import { z } from "zod";
import {
  environment,
  flag,
  integer,
  list,
  number,
  type OptionalSetting,
  port,
  readAllSettings,
  readSettings,
  type Setting,
  settingNames,
  SettingsError,
} from "../../../lib/program/settings.ts";

const healthPort: Setting<number> = { name: "A_PORT", schema: port, fallback: "8766", about: "" };
const flushMs: Setting<number> = {
  name: "A_FLUSH_MS",
  schema: integer({ min: 1, max: 1000 }),
  fallback: "5",
  about: "",
};
const share: Setting<number> = {
  name: "A_SHARE",
  schema: number({ min: 0, max: 1 }),
  fallback: "0.5",
  about: "",
};
const token: OptionalSetting<string> = {
  name: "A_TOKEN",
  schema: z.string().min(16, "expected at least 16 characters"),
  fallback: undefined,
  about: "",
  secret: true,
};
const once: Setting<boolean> = { name: "A_ONCE", schema: flag, fallback: "0", about: "" };
const symbols: OptionalSetting<string[]> = {
  name: "A_SYMBOLS",
  schema: list,
  fallback: undefined,
  about: "",
};
const table = { healthPort, flushMs, share, token, once, symbols };

Deno.test("what is not set has its default, or is undefined without one", () => {
  const { symbols, token, ...rest } = readSettings(table, {});
  assert.deepEqual(rest, { healthPort: 8766, flushMs: 5, share: 0.5, once: false });
  assert.deepEqual([symbols, token], [undefined, undefined]);
});

Deno.test("quotes and spaces of an env file are stripped, and an empty value is not set", () => {
  const settings = readSettings(table, {
    A_PORT: ' "9000" ',
    A_FLUSH_MS: "' 7 '",
    A_ONCE: " ",
    A_SHARE: '""',
    A_SYMBOLS: '"EURUSD, GBPUSD XAUUSD"',
  });
  assert.equal(settings.healthPort, 9000);
  assert.equal(settings.flushMs, 7);
  assert.equal(settings.once, false);
  assert.equal(settings.share, 0.5);
  assert.deepEqual(settings.symbols, ["EURUSD", "GBPUSD", "XAUUSD"]);
});

Deno.test("a quote that does not match its end is part of the value", () => {
  assert.throws(() => readSettings(table, { A_PORT: "\"9000'" }), SettingsError);
});

Deno.test("every wrong value is reported at once, by name", () => {
  const wrong = { A_PORT: "70000", A_FLUSH_MS: "fast", A_SHARE: "2", A_ONCE: "maybe" };
  const message = messageOfError(() => readSettings(table, wrong));
  assert.equal(message.split("\n").length, 4);
  for (const [name, value] of Object.entries(wrong)) {
    assert.match(message, new RegExp(`Cannot read ${name}: .*: current value is "${value}"`));
  }
});

Deno.test("wrong values of several tables are reported together", () => {
  const texts = { A_PORT: "x", A_ONCE: "y" };
  const message = messageOfError(() => readAllSettings([{ healthPort }, { once }], texts));
  assert.match(message, /A_PORT/);
  assert.match(message, /A_ONCE/);
});

Deno.test("a wrong secret is named and not shown", () => {
  const message = messageOfError(() => readSettings(table, { A_TOKEN: "hunter2" }));
  assert.match(message, /Cannot read A_TOKEN: expected at least 16 characters/);
  assert.doesNotMatch(message, /hunter2/);
});

Deno.test("numbers are read as people write them and nothing else", () => {
  for (const value of ["1e3", "0x10", "1_000", "1.5", "+1", "NaN", "Infinity", "１"]) {
    assert.throws(() => readSettings({ flushMs }, { A_FLUSH_MS: value }), SettingsError, value);
  }
});

Deno.test("only the variables of a table are read, and one that is not set is undefined", () => {
  const name = `A_${crypto.randomUUID().replaceAll("-", "")}`;
  Deno.env.set(name, "1");
  try {
    assert.deepEqual(environment([name, `${name}_NOT`]), {
      [name]: "1",
      [`${name}_NOT`]: undefined,
    });
  } finally {
    Deno.env.delete(name);
  }
  assert.deepEqual(settingNames({ healthPort, once }), ["A_PORT", "A_ONCE"]);
});

function messageOfError(act: () => unknown): string {
  try {
    act();
  } catch (cause) {
    assert.ok(cause instanceof SettingsError);
    return cause.message;
  }
  throw new Error("Cannot find an error: there was none");
}
