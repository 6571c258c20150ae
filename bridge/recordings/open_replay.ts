import type { ServerZone } from "../../lib/bridge/feed.ts";
import { toServerMs, toUtcMs, UTC } from "../../lib/time/server_zone.ts";
import { openRecording } from "./open_recording.ts";
import { KeptRows, readRows } from "./kept_rows.ts";
import { RecordedBars } from "./recorded_bars.ts";
import type {
  BadLine,
  BarRecording,
  Recording,
  RecordingOptions,
  TickRecording,
} from "./recording.ts";
import type { SkippedLines, Track } from "./replay_cursor.ts";

export interface OpenReplayOptions extends RecordingOptions {
  readonly files: readonly string[];
  /** `now`: the first tick is at this moment. */
  readonly rebase: "no" | "now";
  /** The length of a lap must be known, so every file is read once. */
  readonly loop: boolean;
}

export interface Replay {
  readonly clock: ServerZone;
  /** Of ticks; none when only bars were recorded. */
  readonly tracks: readonly Track[];
  readonly bars: RecordedBars;
  /** The first tick's time; where only bars were recorded, the end of the last one. */
  readonly firstServerMs: number;
  /** The last tick's time; known when the replay loops. */
  readonly lastServerMs: number | undefined;
  /** Lines of bar files that are no bars; those of ticks are told when they are read. */
  readonly skipped: readonly SkippedLines[];
}

/**
 * Opens every file of ticks far enough to know its symbol, its clock and its first tick, and reads
 * every file of bars. Files of one clock are replayed on that clock, else all on UTC.
 * @throws TypeError naming the file that is no recording, is empty, or does not go with the others.
 */
export async function openReplay(options: OpenReplayOptions): Promise<Replay> {
  const opened: Opened[] = [], kept = new KeptRows(), skipped: SkippedLines[] = [];
  // One after another: a year of day files is more than a process may have open.
  for (const path of options.files) {
    const recording = await openRecording(path, options);
    opened.push(
      recording.kind === "ticks"
        ? { recording, extent: await tickExtent(recording, options.loop) }
        : { recording, extent: await barExtent(recording, { kept, skipped, options }) },
    );
  }
  const clock = commonClock(opened.map(({ recording }) => recording));
  const bars = recordedBars(opened.filter(isOfBars), { clock, kept });
  await bars.check();
  const unmoved = opened.filter(isOfTicks).map(({ recording, extent }) => {
    const convert = conversion(recording, clock), stamp = convert ?? ((ms: number) => ms);
    return { recording, convert, firstMs: stamp(extent.firstMs), lastMs: stamp(extent.lastMs) };
  });
  if (unmoved.length === 0) {
    const { endServerMs: firstServerMs } = bars;
    return { clock, tracks: [], bars, firstServerMs, lastServerMs: undefined, skipped };
  }
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
    bars,
    firstServerMs: firstMs + shiftMs,
    lastServerMs: options.loop
      ? Math.max(...unmoved.map((track) => track.lastMs)) + shiftMs
      : undefined,
    skipped,
  };
}

interface OpenedAs<R extends Recording> {
  readonly recording: R;
  readonly extent: Extent;
}
type Opened = OpenedAs<TickRecording> | OpenedAs<BarRecording>;

interface Extent {
  readonly firstMs: number;
  /** -Infinity when only the start was read. */
  readonly lastMs: number;
}

function isOfTicks(opened: Opened): opened is OpenedAs<TickRecording> {
  return opened.recording.kind === "ticks";
}

function isOfBars(opened: Opened): opened is OpenedAs<BarRecording> {
  return opened.recording.kind === "bars";
}

async function tickExtent(recording: TickRecording, whole: boolean): Promise<Extent> {
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

async function barExtent(
  recording: BarRecording,
  { kept, skipped, options }: {
    kept: KeptRows;
    skipped: SkippedLines[];
    options: OpenReplayOptions;
  },
): Promise<Extent> {
  const { path } = recording;
  if (options.loop || options.rebase === "now") {
    throw new TypeError(
      `Cannot replay ${path} at another time: bars lie on a grid; leave out REPLAY_LOOP and REPLAY_REBASE, or the file`,
    );
  }
  let count = 0, firstBad: BadLine | undefined;
  const rows = await readRows(recording, (bad) => {
    firstBad ??= bad;
    count++;
  });
  const first = firstBad === undefined
    ? "it is empty"
    : `line ${firstBad.line}: ${firstBad.reason}`;
  if (rows.count === 0) {
    throw new TypeError(`Cannot replay ${path} as bars: no line is one, ${first}`);
  }
  if (count > 0) skipped.push({ path, count, first });
  kept.set(recording, rows);
  return { firstMs: rows.openMs(0), lastMs: rows.openMs(rows.count - 1) };
}

function recordedBars(
  opened: readonly OpenedAs<BarRecording>[],
  { clock, kept }: { clock: ServerZone; kept: KeptRows },
): RecordedBars {
  const tracks = opened.map(({ recording, extent }) => {
    const stampOf = conversion(recording, clock), stamp = stampOf ?? ((ms: number) => ms);
    // Kept as the file says it; on another clock it is read again.
    if (stampOf !== undefined) kept.delete(recording);
    const { firstMs, lastMs } = extent;
    return { recording, stampOf, firstServerMs: stamp(firstMs), lastServerMs: stamp(lastMs) };
  });
  return new RecordedBars(tracks, kept);
}

/** From a file's time to the source's; undefined when they are one. */
function conversion(
  { clock: own = UTC }: Recording,
  clock: ServerZone,
): ((fileMs: number) => number) | undefined {
  if (sameClock(own, clock)) return undefined;
  return (fileMs) => toServerMs(toUtcMs(fileMs, own), clock);
}

function commonClock(recordings: readonly Recording[]): ServerZone {
  const [first = UTC, ...others] = recordings.map(({ clock }) => clock ?? UTC);
  return others.every((clock) => sameClock(clock, first)) ? first : UTC;
}

function sameClock(a: ServerZone, b: ServerZone): boolean {
  return a.zone === b.zone && a.shiftMs === b.shiftMs;
}
