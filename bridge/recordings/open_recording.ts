import { basename, dirname } from "node:path";
import type { ServerZone } from "../../lib/bridge/feed.ts";
import { isSymbol } from "../../lib/market/symbol.ts";
import { UTC } from "../../lib/time/server_zone.ts";
import { textBytes, zippedBytes } from "./containers.ts";
import { readDukascopyHour } from "./dukascopy_hour.ts";
import { leanQuotes } from "./lean_quotes.ts";
import type { MappedCsv } from "./mapped_csv.ts";
import { mt5Export } from "./mt5_export.ts";
import { ownCsv } from "./own_csv.ts";
import type { Recording } from "./recording.ts";
import { type LineFormat, readLines } from "./text_lines.ts";
import { dukascopyText } from "./dukascopy_text.ts";

export interface RecordingOptions {
  /** For all files; by default each one's name or folder tells. */
  readonly symbol?: string | undefined;
  /** For files whose format has no clock of its own. */
  readonly clock?: ServerZone | undefined;
  /** For CSV files of other makers. */
  readonly mapping?: MappedCsv | undefined;
}

/** FXCM's recordings in LEAN's archive keep New York's winter time all year. */
const LEAN_CLOCKS: Readonly<Record<string, ServerZone>> = {
  fxcm: { zone: "Etc/GMT+5", shiftMs: 0 },
  oanda: UTC,
};

/** Finds out what a file is. @throws TypeError when it is nothing known. */
export async function openRecording(path: string, options: RecordingOptions): Promise<Recording> {
  const slashed = path.replaceAll("\\", "/");
  if (slashed.endsWith(".zip")) return leanRecording(path, slashed, options);
  if (slashed.endsWith(".bi5")) return dukascopyRecording(path, slashed, options);
  const { open, clock } = await textFormat(path, options);
  return {
    path,
    clock,
    symbol: options.symbol ?? symbolOf(slashed, path),
    read: (report) => readLines(textBytes(path), { format: open(), path, report }),
  };
}

async function textFormat(
  path: string,
  options: RecordingOptions,
): Promise<{ open: () => LineFormat; clock: ServerZone | undefined }> {
  if (options.mapping !== undefined) return options.mapping;
  const [heading = "", first = ""] = await firstLines(path);
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

function leanRecording(path: string, slashed: string, options: RecordingOptions): Recording {
  const match = /\/tick\/(?<symbol>[^/]+)\/(?<day>\d{8})_quote\.zip$/.exec(slashed);
  const { symbol, day } = match?.groups ?? {};
  const vendor = /(?<![a-z])(oanda|fxcm)(?![a-z])/.exec(slashed)?.[1] ?? "";
  const clock = LEAN_CLOCKS[vendor] ?? options.clock;
  if (symbol === undefined || day === undefined) {
    throw new TypeError(
      `Cannot read a zip as LEAN's tick/<symbol>/<day>_quote.zip: current path is ${path}`,
    );
  }
  const dayMs = Date.UTC(
    Number(day.slice(0, 4)),
    Number(day.slice(4, 6)) - 1,
    Number(day.slice(6)),
  );
  return {
    path,
    clock,
    symbol: options.symbol ?? symbol.toUpperCase(),
    async *read(report) {
      yield* readLines([await zippedBytes(path)], { format: leanQuotes(dayMs), path, report });
    },
  };
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
