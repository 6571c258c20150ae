import { basename, dirname } from "node:path";
import type { ServerZone } from "../../lib/bridge/feed.ts";
import { isSymbol } from "../../lib/market/symbol.ts";
import { UTC } from "../../lib/time/server_zone.ts";
import { TickBlock } from "../simulated/tick_block.ts";
import { mt5BarRecording, ownBarRecording } from "./bar_recording.ts";
import { textBytes } from "./containers.ts";
import { readDukascopyHour } from "./dukascopy_hour.ts";
import { dukascopyText } from "./dukascopy_text.ts";
import { leanRecording } from "./lean_recording.ts";
import { mt5Export } from "./mt5_export.ts";
import { isMt5RatesHeading } from "./mt5_rates.ts";
import { OWN_BARS_HEADING } from "./own_bars.ts";
import { ownCsv } from "./own_csv.ts";
import type { Recording, RecordingOptions } from "./recording.ts";
import { type LineFormat, readLines } from "./text_lines.ts";

/** Finds out what a file is. @throws TypeError when it is nothing known. */
export async function openRecording(path: string, options: RecordingOptions): Promise<Recording> {
  const slashed = path.replaceAll("\\", "/");
  if (slashed.endsWith(".zip")) return leanRecording(path, slashed, options);
  if (slashed.endsWith(".bi5")) return dukascopyRecording(path, slashed, options);
  const [heading = "", first = ""] = await firstLines(path);
  if (heading.startsWith(OWN_BARS_HEADING)) {
    return ownBarRecording(path, { ...options, clock: options.clock ?? stampedOffset(first) });
  }
  if (isMt5RatesHeading(heading)) {
    return mt5BarRecording(path, { ...options, symbol: options.symbol ?? symbolOf(slashed, path) });
  }
  const { open, clock } = options.mapping ?? tickFormat(path, [heading, first], options);
  return {
    kind: "ticks",
    path,
    clock,
    symbol: options.symbol ?? symbolOf(slashed, path),
    read: (report) =>
      readLines(textBytes(path), { format: open(), block: new TickBlock(), path, report }),
  };
}

function tickFormat(
  path: string,
  [heading, first]: readonly [string, string],
  options: RecordingOptions,
): { open: () => LineFormat; clock: ServerZone | undefined } {
  if (heading.startsWith("timestamp_utc,")) {
    return { open: ownCsv, clock: options.clock ?? stampedOffset(first) };
  }
  if (heading.startsWith("<DATE>")) return { open: mt5Export, clock: options.clock };
  if (heading.startsWith("ts_utc_ms,bid,ask")) return { open: dukascopyText, clock: UTC };
  throw new TypeError(
    `Cannot read ${path} as a recording: its first line is ${
      JSON.stringify(heading.slice(0, 80))
    }; describe its columns with REPLAY_MAPPING`,
  );
}

async function firstLines(path: string): Promise<string[]> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of textBytes(path)) {
    text += decoder.decode(piece, { stream: true });
    if (text.split("\n").length > 2 || text.length > 4096) break;
  }
  return text.split("\n", 2).map((line) => line.trim());
}

/** Our own rows carry both clocks, so that the offset is known without the zone. */
function stampedOffset(row: string): ServerZone | undefined {
  const [utc, broker] = row.split(",").map(Number);
  const shiftMs = Math.round(((broker ?? NaN) - (utc ?? NaN)) * 1000);
  return Number.isNaN(shiftMs) ? undefined : { zone: "UTC", shiftMs };
}

function dukascopyRecording(path: string, slashed: string, options: RecordingOptions): Recording {
  const match =
    /\/(?<name>[A-Za-z0-9]+)\/(?<year>\d{4})\/(?<month>\d\d)\/(?<day>\d\d)\/(?<hour>\d\d)h_ticks\.bi5$/
      .exec(`/${slashed}`);
  const { name, year, month, day, hour } = match?.groups ?? {};
  if (name === undefined) {
    throw new TypeError(
      `Cannot read a bi5 file as <symbol>/<year>/<month from 00>/<day>/<hour>h_ticks.bi5: current path is ${path}`,
    );
  }
  const symbol = options.symbol ?? name.toUpperCase();
  const fromUtcMs = Date.UTC(Number(year), Number(month), Number(day), Number(hour));
  const scale = name.toUpperCase().endsWith("JPY") ? 1e3 : 1e5;
  return {
    kind: "ticks",
    path,
    symbol,
    clock: UTC,
    read: (report) => readDukascopyHour({ path, fromUtcMs, scale, report }),
  };
}

/** `…/EURUSD/2025-12-22.csv` or `EURUSD_202512220000.csv`. */
function symbolOf(slashed: string, path: string): string {
  const stem = basename(slashed).replace(/(\.csv|\.txt|\.open|\.gz)+$/i, "");
  const symbol = /^\d{4}-\d\d-\d\d(__\d+)?$/.test(stem)
    ? basename(dirname(slashed))
    : stem.split("_", 1)[0] ?? "";
  if (isSymbol(symbol) && !symbol.includes("~")) return symbol;
  throw new TypeError(
    `Cannot tell the symbol of ${path} by its name: name it with REPLAY_SYMBOL or --symbol`,
  );
}
