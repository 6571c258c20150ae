import { DriverProcess } from "../../bridge/driver/driver_process.ts";
import type { DriverOptions } from "../../bridge/driver/driver_process.ts";
import { pythonWithNumpy } from "./python.ts";

/** What `vendors/scripted_driver.py` does; see there. */
export interface ScriptedSettings {
  readonly fault?: string;
  readonly open_fault?: string;
  readonly says?: readonly string[];
  readonly password?: string;
  readonly clock?: "learned" | "utc";
  readonly symbols?: readonly string[];
  readonly first_ms?: number;
  readonly step_ms?: number;
  readonly history?: number;
  readonly total?: number;
  readonly seed?: number;
  readonly waits?: number;
  readonly failures?: number;
  readonly beat_s?: number;
  readonly present_s?: number;
}

export interface Scripted {
  readonly driver: DriverProcess;
  readonly lines: readonly string[];
  readonly dropped: () => number;
}

export const SCRIPT = new URL("vendors/scripted_driver.py", import.meta.url);

/** Opens a scripted driver; `lines` is what it logged. */
export async function openScripted(
  settings: ScriptedSettings = {},
  options: Partial<DriverOptions> = {},
): Promise<Scripted & AsyncDisposable> {
  const lines: string[] = [];
  let dropped = 0;
  const driver = await DriverProcess.open({
    vendor: "mt5",
    script: SCRIPT,
    python: { command: pythonWithNumpy() ?? "python3", args: [] },
    settings: { ...settings },
    events: {
      driverSaid: (line) => lines.push(line),
      driverDropped: (bytes) => dropped += bytes,
    },
    ...options,
  });
  return {
    driver,
    lines,
    dropped: () => dropped,
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}
