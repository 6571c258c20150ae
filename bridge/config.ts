import { z } from "zod";
import type { ServerZone } from "../lib/bridge/feed.ts";
import {
  flag,
  integer,
  number,
  type OptionalSetting,
  type Setting,
  text,
} from "../lib/program/settings.ts";
import { bridgeHost, bridgePort, bridgeToken, serverZone } from "../lib/program/shared_settings.ts";
import { vendorSettings } from "./logins/vendor_settings.ts";

const DAY_MS = 86_400_000, YEAR_MS = 365.25 * DAY_MS;

const instant: z.ZodType<number, string> = z.iso.datetime({ offset: true }).transform(Date.parse);

const outage: z.ZodType<{ fromUtcMs: number; toUtcMs: number }, string> = z.string()
  .regex(/^[^/]+\/\d+$/, "expected <ISO time>/<seconds>")
  .transform((value, context) => {
    const [from = "", seconds = ""] = value.split("/");
    const fromUtcMs = Math.floor(Date.parse(from) / 1000) * 1000;
    if (Number.isNaN(fromUtcMs)) {
      context.addIssue({ code: "custom", message: "expected <ISO time>/<seconds>" });
      return z.NEVER;
    }
    return { fromUtcMs, toUtcMs: fromUtcMs + Number(seconds) * 1000 };
  });

/** A JSON list of paths: file names may hold commas and spaces. */
const paths: z.ZodType<string[], string> = z.string().transform((value, context) => {
  try {
    return z.array(z.string().min(1)).min(1).parse(JSON.parse(value));
  } catch {
    context.addIssue({ code: "custom", message: 'expected a JSON list such as ["a.csv"]' });
    return z.NEVER;
  }
});

const speed: z.ZodType<number, string> = z.union([
  z.literal("max").transform(() => Infinity),
  number({ min: 0.01, max: 1_000_000 }),
]);

const serving = {
  port: bridgePort,
  token: bridgeToken,
  host: bridgeHost,
  tlsCert: {
    name: "BRIDGE_TLS_CERT",
    schema: text,
    fallback: undefined,
    about: "File of the PEM certificate; with BRIDGE_TLS_KEY the socket speaks TLS.",
  } as OptionalSetting<string>,
  tlsKey: {
    name: "BRIDGE_TLS_KEY",
    schema: text,
    fallback: undefined,
    about: "File of the PEM private key that belongs to BRIDGE_TLS_CERT.",
  } as OptionalSetting<string>,
  maxConnections: {
    name: "BRIDGE_MAX_CONNECTIONS",
    schema: integer({ min: 1, max: 1000 }),
    fallback: "16",
    about: "Collectors at once; each costs the source one more stream.",
  } satisfies Setting<number>,
  handshakeTimeoutMs: {
    name: "BRIDGE_HANDSHAKE_MS",
    schema: integer({ min: 100, max: 60_000 }),
    fallback: "5000",
    about: "How long a peer may take to say hello, in ms; a round trip takes far less.",
  } satisfies Setting<number>,
  heartbeatMs: {
    name: "BRIDGE_HEARTBEAT_MS",
    schema: integer({ min: 50, max: 60_000 }),
    fallback: "5000",
    about: "How often the bridge shows a collector that it lives, in ms.",
  } satisfies Setting<number>,
  idleLimitMs: {
    name: "BRIDGE_IDLE_MS",
    schema: integer({ min: 100, max: 600_000 }),
    fallback: "20000",
    about: "A collector silent for so long is gone, in ms; a few of its heartbeats.",
  } satisfies Setting<number>,
  source: {
    name: "SOURCE",
    schema: z.enum(["simulated", "replay", "mt5", "fxcm", "sessions"]),
    fallback: "simulated",
    about:
      "Where ticks come from: an invented market, recorded files, one vendor's terminal, or the list in SESSIONS_FILE.",
  } as Setting<"simulated" | "replay" | "mt5" | "fxcm" | "sessions">,
};

const sessions = {
  sessionsFile: {
    name: "SESSIONS_FILE",
    schema: text,
    fallback: undefined,
    about: "JSON list of sessions (see bridge/README.md); required when SOURCE=sessions.",
  } as OptionalSetting<string>,
  sessionPasswords: {
    name: "SESSION_PASSWORD_*",
    schema: text,
    fallback: undefined,
    about: "Passwords that SESSIONS_FILE names by `passwordEnv`; what follows the _ is free.",
    secret: true,
  } as OptionalSetting<string>,
  sessionHeartbeatMs: {
    name: "SESSION_HEARTBEAT_MS",
    schema: integer({ min: 50, max: 600_000 }),
    fallback: "10000",
    about: "How often a session asks its vendor whether it is still logged in, in ms.",
  } satisfies Setting<number>,
  driverCallLimitMs: {
    name: "DRIVER_CALL_LIMIT_MS",
    schema: integer({ min: 100, max: 3_600_000 }),
    fallback: "30000",
    about: "A vendor's call that takes longer is taken for dead and its process is killed, in ms.",
  } satisfies Setting<number>,
  python: {
    name: "PYTHON",
    schema: text,
    fallback: undefined,
    about:
      "Path of the Python that has the vendor's package; else py -3, python, python3 are tried.",
  } as OptionalSetting<string>,
  driverDir: {
    name: "DRIVER_DIR",
    schema: text,
    fallback: undefined,
    about:
      "Folder of the drivers' .py files; by default bridge/, which an executable has not with it.",
  } as OptionalSetting<string>,
  fxcmNewestPython: {
    name: "FXCM_NEWEST_PYTHON",
    schema: z.string().regex(/^3\.\d+$/, "expected a version such as 3.7"),
    fallback: "3.7",
    about: "The newest Python that the forexconnect package has builds for.",
  } satisfies Setting<string>,
  symbolSuffix: {
    name: "SYMBOL_SUFFIX",
    schema: z.string().regex(/^@[A-Za-z0-9_.-]{1,31}$/, "expected @ and letters or digits"),
    fallback: undefined,
    about: "Set behind each stream symbol, e.g. @fxcm, to tell feeds of one instrument apart.",
  } as OptionalSetting<string>,
  symbolAliases: {
    name: "SYMBOL_ALIASES",
    schema: text,
    fallback: undefined,
    about: 'JSON file of stream symbols by the broker\'s names, e.g. {"GOLD": "XAUUSD"}.',
  } as OptionalSetting<string>,
};

const simulated = {
  simulatedSeed: {
    name: "SIMULATED_SEED",
    schema: integer({ min: 0, max: 0xffff_ffff }),
    fallback: "1",
    about: "Seed of the invented market; the same seed invents the same ticks.",
  } satisfies Setting<number>,
  simulatedTicksPerSecond: {
    name: "SIMULATED_TICKS_PER_SECOND",
    schema: number({ min: 0.1, max: 1_000_000 }),
    fallback: "60",
    about: "Ticks a second over all symbols, on average; a calm hour of 41 symbols.",
  } satisfies Setting<number>,
  simulatedAlwaysOpen: {
    name: "SIMULATED_ALWAYS_OPEN",
    schema: flag,
    fallback: "1",
    about: "Prices at the weekend too, so that whoever tries it on a Sunday sees some.",
  } satisfies Setting<boolean>,
  simulatedZone: {
    name: "SIMULATED_ZONE",
    schema: serverZone,
    fallback: "America/New_York+7h",
    about: "The invented server's clock, <IANA zone>[±<hours>h]; by default most MT5 brokers'.",
  } satisfies Setting<ServerZone>,
  simulatedHistoryMs: {
    name: "SIMULATED_HISTORY_DAYS",
    schema: number({ min: 0, max: 36_500 }).transform((days) => days * DAY_MS),
    fallback: "30",
    about: "How far back the invented history of ticks goes, in days.",
  } satisfies Setting<number>,
  simulatedBarHistoryMs: {
    name: "SIMULATED_BAR_YEARS",
    schema: number({ min: 0, max: 100 }).transform((years) => years * YEAR_MS),
    fallback: "12",
    about:
      "How far back invented bars of an hour and longer go, in years: ten years of months in whole files.",
  } satisfies Setting<number>,
  simulatedOutage: {
    name: "SIMULATED_OUTAGE",
    schema: outage,
    fallback: undefined,
    about: "One time without a feed, <ISO time>/<seconds>, to see what an outage does.",
  } as OptionalSetting<{ fromUtcMs: number; toUtcMs: number }>,
  simulatedOutageHeals: {
    name: "SIMULATED_OUTAGE_HEALS",
    schema: flag,
    fallback: "1",
    about: "Whether history has the ticks of the outage afterwards, as a broker's usually has.",
  } satisfies Setting<boolean>,
  simulatedFrom: {
    name: "SIMULATED_FROM",
    schema: instant,
    fallback: undefined,
    about: "ISO time of the first invented tick; without it history has only its limit in days.",
  } as OptionalSetting<number>,
  simulatedUntil: {
    name: "SIMULATED_UNTIL",
    schema: instant,
    fallback: undefined,
    about: "ISO time at which the invented market stops.",
  } as OptionalSetting<number>,
  simulatedOnce: {
    name: "SIMULATED_ONCE",
    schema: flag,
    fallback: "0",
    about: "At SIMULATED_UNTIL the stream ends, and the bridge once it is delivered.",
  } satisfies Setting<boolean>,
};

const habits = {
  simulatedDisorder: {
    name: "SIMULATED_DISORDER",
    schema: integer({ min: 1, max: 0xffff_ffff }),
    fallback: undefined,
    about: "Seed for vendors' habits in tests: equal ms in another order each time, late ticks.",
  } as OptionalSetting<number>,
  simulatedLateMs: {
    name: "SIMULATED_LATE_MS",
    schema: integer({ min: 0, max: 600_000 }),
    fallback: "2000",
    about: "How late SIMULATED_DISORDER may deliver a tick, in ms; less than OVERLAP_MS.",
  } satisfies Setting<number>,
};

const replay = {
  replayFiles: {
    name: "REPLAY_FILES",
    schema: paths,
    fallback: undefined,
    about: "Recorded files of ticks and bars as a JSON list; required when SOURCE=replay.",
  } as OptionalSetting<string[]>,
  replaySymbol: {
    name: "REPLAY_SYMBOL",
    schema: text,
    fallback: undefined,
    about: "The symbol of all files; by default each file's name or folder tells.",
  } as OptionalSetting<string>,
  replaySpeed: {
    name: "REPLAY_SPEED",
    schema: speed,
    fallback: "1",
    about: "Recorded seconds a second, or max: as fast as the collector takes them.",
  } satisfies Setting<number>,
  replayLoop: {
    name: "REPLAY_LOOP",
    schema: flag,
    fallback: "0",
    about: "Begins again at the end, with times that go on.",
  } satisfies Setting<boolean>,
  replayRebase: {
    name: "REPLAY_REBASE",
    schema: z.enum(["no", "now"]),
    fallback: "no",
    about: "now: moves all times so that the first tick is at the bridge's start.",
  } as Setting<"no" | "now">,
  replayOnce: {
    name: "REPLAY_ONCE",
    schema: flag,
    fallback: "0",
    about: "The bridge ends once the recording is delivered.",
  } satisfies Setting<boolean>,
  replayMapping: {
    name: "REPLAY_MAPPING",
    schema: text,
    fallback: undefined,
    about: "JSON file that says which columns of other CSV files of ticks mean what.",
  } as OptionalSetting<string>,
  replayZone: {
    name: "REPLAY_ZONE",
    schema: serverZone,
    fallback: undefined,
    about:
      "The clock of files that do not tell theirs (MT5 exports, copied rates); by default UTC.",
  } as OptionalSetting<ServerZone>,
  replayDisorder: {
    name: "REPLAY_DISORDER",
    schema: integer({ min: 1, max: 0xffff_ffff }),
    fallback: undefined,
    about: "Seed for vendors' habits in tests: equal ms in another order each time, late ticks.",
  } as OptionalSetting<number>,
  replayLateMs: {
    name: "REPLAY_LATE_MS",
    schema: integer({ min: 0, max: 600_000 }),
    fallback: "2000",
    about: "How late REPLAY_DISORDER may deliver a tick, in ms of the recording.",
  } satisfies Setting<number>,
};

export const settings = {
  ...serving,
  ...sessions,
  ...vendorSettings,
  ...simulated,
  ...habits,
  ...replay,
};
