import { type Settings, SettingsError } from "../lib/program/settings.ts";
import type { settings } from "./config.ts";
import { DriverProcess } from "./driver/driver_process.ts";
import { driverScript, wantedPython } from "./logins/drivers.ts";
import type { BridgeEvents } from "./events.ts";
import { findPython } from "./driver/find_python.ts";
import { openSource } from "./open_source.ts";
import {
  readSessionsFile,
  type SessionSettings,
  singleSession,
} from "./logins/session_settings.ts";
import { SteadySession } from "./logins/session_steady.ts";
import { VendorSession } from "./logins/session_vendor.ts";
import { Sessions } from "./sessions.ts";
import { SymbolOwners } from "./logins/symbol_owners.ts";

type BridgeSettings = Settings<typeof settings>;

/**
 * The sessions that the settings name. Those at vendors log in from now on, and it is no error when
 * they cannot. @throws SettingsError when the settings leave out what a session needs.
 */
export async function openSessions(set: BridgeSettings, events: BridgeEvents): Promise<Sessions> {
  if (set.source === "simulated" || set.source === "replay") {
    return new Sessions([new SteadySession(set.source, await openSource(set, events))]);
  }
  const all = await vendorSessions({ ...set, source: set.source });
  for (const session of all) checkLimits(session, set.driverCallLimitMs);
  const owners = new SymbolOwners();
  return new Sessions(all.map((session) => openSession(session, { set, events, owners })));
}

function vendorSessions(
  set: BridgeSettings & { source: "mt5" | "fxcm" | "sessions" },
): Promise<SessionSettings[]> {
  if (set.source !== "sessions") {
    return singleSession(set.source, set).then((session) => [session]);
  }
  if (set.sessionsFile === undefined) {
    throw new SettingsError(
      "Cannot open sessions without a list of them: set SESSIONS_FILE (see bridge/README.md)",
    );
  }
  return readSessionsFile(set.sessionsFile);
}

/** A vendor's own limits must come first: who breaks off a call knows more than who kills for it. */
function checkLimits({ name, open }: SessionSettings, callLimitMs: number): void {
  const historyMs = open.historyTimeoutMs;
  if (typeof historyMs !== "number" || historyMs < callLimitMs) return;
  throw new SettingsError(
    `Cannot let ${name} read history for ${historyMs} ms: FXCM_HISTORY_TIMEOUT_MS must be less than DRIVER_CALL_LIMIT_MS, which is ${callLimitMs}`,
  );
}

function openSession(
  { name, vendor, suffix, aliases, python, open }: SessionSettings,
  { set, events, owners }: { set: BridgeSettings; events: BridgeEvents; owners: SymbolOwners },
): VendorSession {
  const wanted = wantedPython(vendor, { newestForFxcm: set.fxcmNewestPython });
  const script = driverScript(vendor, set.driverDir);
  const named = python ?? set.python;
  return new VendorSession({
    name,
    vendor,
    names: { suffix, aliases },
    heartbeatMs: set.sessionHeartbeatMs,
    refusalOf: (feed) => owners.claim(name, feed),
    events,
    async logIn(signal) {
      const found = await findPython(wanted, { named, setting: "PYTHON", signal });
      return await DriverProcess.open({
        vendor,
        script,
        python: found,
        settings: open,
        // The bridge keeps nothing on disk, beside its own sources least of all.
        env: { PYTHONDONTWRITEBYTECODE: "1" },
        callLimitMs: set.driverCallLimitMs,
        openLimitMs: openLimitOf(open) + set.driverCallLimitMs,
        events: {
          driverSaid: (line) => events.driverSaid(name, line),
          driverDropped: (bytes) => events.driverDropped(name, bytes),
        },
        signal,
      });
    },
  });
}

/** What opening may take by the vendor's own limits; MT5 has one for starting and one for the login. */
function openLimitOf({ timeoutMs, loginTimeoutMs }: SessionSettings["open"]): number {
  return typeof timeoutMs === "number" ? 2 * timeoutMs : Number(loginTimeoutMs);
}
