import assert from "node:assert/strict";
import { settingsFromFlags, wantsHelp } from "../../../lib/bridge/replay_flags.ts";
import { SettingsError } from "../../../lib/program/settings.ts";

Deno.test("replay flags become the settings they stand for", () => {
  const args = ["--replay", "a b.csv", "c,d.zip", "--speed", "max", "--loop", "--rebase=now"];
  assert.deepEqual(settingsFromFlags([...args, "--once", "--symbol", "EURUSD"]), {
    SOURCE: "replay",
    DATA_KIND: "replay",
    REPLAY_FILES: '["a b.csv","c,d.zip"]',
    REPLAY_SPEED: "max",
    REPLAY_LOOP: "1",
    REPLAY_REBASE: "now",
    REPLAY_ONCE: "1",
    REPLAY_SYMBOL: "EURUSD",
  });
  assert.deepEqual(settingsFromFlags([]), {});
});

Deno.test("flags that are unknown, empty or without files are named", () => {
  const wrong = (args: string[], message: RegExp) =>
    assert.throws(
      () => settingsFromFlags(args),
      (error) => error instanceof SettingsError && message.test(error.message),
    );
  wrong(["--replay", "a.csv", "--fast"], /"--fast"/);
  wrong(["a.csv"], /"a\.csv"/);
  wrong(["--replay"], /at least one file/);
  wrong(["--replay", "a.csv", "--speed"], /--speed needs a value/);
  wrong(["--speed", "max"], /--replay FILE… is missing/);
  assert.equal(wantsHelp(["--help"]), true);
});
