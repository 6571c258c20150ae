import { type Settings, SettingsError } from "../lib/program/settings.ts";
import type { settings } from "./config.ts";
import type { BridgeEvents } from "./events.ts";
import { openReplay } from "./recordings/open_replay.ts";
import { readMapping } from "./recordings/mapped_csv.ts";
import type { Source } from "./source.ts";
import { ReplaySource } from "./source_replay.ts";
import { SimulatedSource } from "./source_simulated.ts";

type BridgeSettings = Settings<typeof settings>;

/** The source that the settings name. @throws SettingsError when they leave out what it needs. */
export function openSource(set: BridgeSettings, events: BridgeEvents): Promise<Source> {
  return set.source === "replay"
    ? replaySource(set, events)
    : Promise.resolve(simulatedSource(set));
}

function simulatedSource(set: BridgeSettings): Source {
  if (set.simulatedOnce && set.simulatedUntil === undefined) {
    throw new SettingsError(
      "Cannot end the simulated market with SIMULATED_ONCE: set SIMULATED_UNTIL",
    );
  }
  return new SimulatedSource({
    seed: set.simulatedSeed,
    ticksPerSecond: set.simulatedTicksPerSecond,
    alwaysOpen: set.simulatedAlwaysOpen,
    clock: set.simulatedZone,
    // A first tick that is named is meant, however long ago it was.
    historyMs: set.simulatedFrom === undefined ? set.simulatedHistoryMs : Infinity,
    barHistoryMs: set.simulatedBarHistoryMs,
    fromUtcMs: set.simulatedFrom,
    untilUtcMs: set.simulatedUntil,
    once: set.simulatedOnce,
    outage: set.simulatedOutage && { ...set.simulatedOutage, heals: set.simulatedOutageHeals },
    disorder: set.simulatedDisorder === undefined
      ? undefined
      : { seed: set.simulatedDisorder, lateMs: set.simulatedLateMs },
  });
}

async function replaySource(set: BridgeSettings, events: BridgeEvents): Promise<Source> {
  if (set.replayFiles === undefined) {
    throw new SettingsError("Cannot replay without files: set REPLAY_FILES or use --replay FILE…");
  }
  const replay = await openReplay({
    files: set.replayFiles,
    rebase: set.replayRebase,
    loop: set.replayLoop,
    symbol: set.replaySymbol,
    clock: set.replayZone,
    mapping: set.replayMapping === undefined ? undefined : await readMapping(set.replayMapping),
  });
  if (set.replayOnce && replay.tracks.length === 0) {
    throw new SettingsError(
      "Cannot end with REPLAY_ONCE when all is delivered: REPLAY_FILES has bars alone, which are asked for",
    );
  }
  return new ReplaySource(replay, {
    speed: set.replaySpeed,
    loop: set.replayLoop,
    disorder: set.replayDisorder === undefined
      ? undefined
      : { seed: set.replayDisorder, lateMs: set.replayLateMs },
    onSkipped: ({ path, count, first }) => events.linesSkipped(path, count, first),
  });
}
