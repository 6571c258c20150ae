import { calendarSettings } from "../../../lib/time/calendar/settings.ts";
import { integer, type Setting } from "../../../lib/program/settings.ts";
import { dataDir, dataKind } from "../../../lib/program/shared_settings.ts";

const silenceMinutes: Setting<number> = {
  name: "VERIFY_SILENCE_MINUTES",
  schema: integer({ min: 1, max: 100_000 }),
  fallback: "60",
  about:
    "A time in an open market without a tick and without a named gap is a difference from this on, in minutes; also rare pairs show a tick within an hour of their quietest night.",
};
const recheckMs: Setting<number> = {
  name: "VERIFY_RECHECK_MS",
  schema: integer({ min: 0, max: 600_000 }),
  fallback: "3000",
  about:
    "How long after the first look what seemed wrong is looked at again, in ms; a program that was sealing a day has finished by then.",
};

export const verifySettings = {
  dataDir,
  dataKind,
  ...calendarSettings,
  silenceMinutes,
  recheckMs,
};
