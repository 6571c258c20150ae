import type { ServerZone } from "../../lib/bridge/feed.ts";
import { toServerMs, toUtcMs, UTC } from "../../lib/time/server_zone.ts";
import type { Track } from "./replay_cursor.ts";
import { openRecording, type RecordingOptions } from "./open_recording.ts";
import type { Recording } from "./recording.ts";

export interface OpenReplayOptions extends RecordingOptions {
  readonly files: readonly string[];
  /** `now`: the first tick is at this moment. */
  readonly rebase: "no" | "now";
  /** The length of a lap must be known, so every file is read once. */
  readonly loop: boolean;
}

export interface Replay {
  readonly clock: ServerZone;
  readonly tracks: readonly Track[];
  readonly firstServerMs: number;
  /** The last tick's time; known when the replay loops. */
  readonly lastServerMs: number | undefined;
}

/**
 * Opens every file far enough to know its symbol, its clock and its first tick. Files of one clock are
 * replayed on that clock, else all on UTC.
 * @throws TypeError naming the file that is no recording or has no tick.
 */
export async function openReplay(options: OpenReplayOptions): Promise<Replay> {
  const opened: { recording: Recording; extent: Extent }[] = [];
  // One after another: a year of day files is more than a process may have open.
  for (const path of options.files) {
    const recording = await openRecording(path, options);
    opened.push({ recording, extent: await extentOf(recording, options.loop) });
  }
  const clock = commonClock(opened.map(({ recording }) => recording));
  const converts = (recording: Recording) =>
    sameClock(recording.clock ?? UTC, clock)
      ? undefined
      : (fileMs: number) => toServerMs(toUtcMs(fileMs, recording.clock ?? UTC), clock);
  const unmoved = opened.map(({ recording, extent }) => {
    const convert = converts(recording);
    const stamp = convert ?? ((ms: number) => ms);
    return { recording, convert, firstMs: stamp(extent.firstMs), lastMs: stamp(extent.lastMs) };
  });
  const firstMs = Math.min(...unmoved.map((track) => track.firstMs));
  const shiftMs = options.rebase === "now" ? toServerMs(Date.now(), clock) - firstMs : 0;
  const tracks = unmoved.map(({ recording, convert, firstMs }): Track => ({
    recording,
    firstServerMs: firstMs + shiftMs,
    stampOf: shiftMs === 0 ? convert : (fileMs) => (convert?.(fileMs) ?? fileMs) + shiftMs,
  }));
  return {
    clock,
    tracks: tracks.sort((a, b) => a.firstServerMs - b.firstServerMs),
    firstServerMs: firstMs + shiftMs,
    lastServerMs: options.loop
      ? Math.max(...unmoved.map((track) => track.lastMs)) + shiftMs
      : undefined,
  };
}

interface Extent {
  readonly firstMs: number;
  /** -Infinity when only the start was read. */
  readonly lastMs: number;
}

async function extentOf(recording: Recording, whole: boolean): Promise<Extent> {
  let firstMs = NaN, lastMs = -Infinity, reason = "it is empty";
  const blocks = recording.read((bad) => reason = `line ${bad.line}: ${bad.reason}`);
  for await (const block of blocks) {
    if (block.count === 0) continue;
    if (Number.isNaN(firstMs)) firstMs = block.serverMs(0);
    for (let index = 0; whole && index < block.count; index++) {
      lastMs = Math.max(lastMs, block.serverMs(index));
    }
    if (!whole) break;
  }
  if (!Number.isNaN(firstMs)) return { firstMs, lastMs };
  throw new TypeError(`Cannot replay ${recording.path} as ticks: no line is one, ${reason}`);
}

function commonClock(recordings: readonly Recording[]): ServerZone {
  const [first = UTC, ...others] = recordings.map(({ clock }) => clock ?? UTC);
  return others.every((clock) => sameClock(clock, first)) ? first : UTC;
}

function sameClock(a: ServerZone, b: ServerZone): boolean {
  return a.zone === b.zone && a.shiftMs === b.shiftMs;
}
