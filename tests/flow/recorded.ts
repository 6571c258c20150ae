import { unzipSync } from "fflate";

/**
 * The recordings and the captured files, read by code that shares nothing with the programs: plain
 * strings, split and compared.
 */

export const DATA = new URL("../../../shared/data/", import.meta.url);

export interface RecordedTick {
  readonly utcMs: number;
  readonly bid: string;
  readonly ask: string;
}

export function dataFile(path: string): string {
  return decodeURIComponent(new URL(path, DATA).pathname);
}

export function isThere(path: string): boolean {
  try {
    return Deno.statSync(dataFile(path)).isFile;
  } catch {
    console.log(
      `skipped: ${dataFile(path)} is not there; the recordings belong into ../shared/data`,
    );
    return false;
  }
}

/** A zipped quote day: `ms-of-day,bid,ask`, on a clock that is `offsetMs` ahead of UTC all year. */
export function readQuoteDay(path: string, offsetMs: number): RecordedTick[] {
  const [, year, month, day] = /(\d{4})(\d{2})(\d{2})_quote\.zip$/.exec(path) ?? [];
  const midnightMs = Date.UTC(Number(year), Number(month) - 1, Number(day)) - offsetMs;
  const [text] = Object.values(unzipSync(Deno.readFileSync(dataFile(path))));
  return new TextDecoder().decode(text).split(/\r?\n/).filter((line) => line !== "").map((line) => {
    const [ms = "", bid = "", ask = ""] = line.split(",");
    return { utcMs: midnightMs + Number(ms), bid, ask };
  });
}

export interface CapturedRow extends RecordedTick {
  readonly id: string;
  readonly brokerMs: number;
}

/** The rows of a tick file. */
export function readCaptured(path: string): CapturedRow[] {
  const [header, ...lines] = Deno.readTextFileSync(path).split("\n");
  if (header !== "timestamp_utc,timestamp_broker,bid,ask,last,volume,flags,id") {
    throw new Error(`${path}: header is ${header}`);
  }
  if (lines.pop() !== "") throw new Error(`${path}: the last row is torn`);
  return lines.map((line) => {
    const [utc = "", broker = "", bid = "", ask = "", , , , id = ""] = line.split(",");
    return { utcMs: milliseconds(utc), brokerMs: milliseconds(broker), bid, ask, id };
  });
}

/** `1703264400.123` as whole milliseconds, without a floating point in between. */
function milliseconds(seconds: string): number {
  if (!/^\d+\.\d{3}$/.test(seconds)) throw new Error(`not seconds with three decimals: ${seconds}`);
  return Number(seconds.replace(".", ""));
}

/** All tick files below a data folder for a symbol, sealed or open, in order of their days. */
export function tickFiles(dataDir: string, symbol: string, market = "fx"): string[] {
  const folder = `${dataDir}/ticks/${market}/${symbol}`;
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name)
      .filter((name) => /\.csv(\.open)?$/.test(name)).sort().map((name) => `${folder}/${name}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
}

/** Prices as numbers would print them, so that `1.38700` and `1.387` are one price. */
export function priceKey({ utcMs, bid, ask }: RecordedTick): string {
  return `${utcMs},${Number(bid)},${Number(ask)}`;
}
