import { compareIds, parseId, type TickId } from "../../../lib/market/tick_id.ts";

/**
 * The live stream's messages as the page uses them. They are read by hand: zod would double the
 * script that a phone loads, and compiles its checks with `eval`, which the page's policy forbids.
 */

export interface Quote {
  readonly symbol: string;
  readonly id: TickId;
  /** UTC ms of the tick. */
  readonly utcMs: number;
  readonly bid: number;
  readonly ask: number;
}

export interface Gap {
  readonly symbol: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

export type Message =
  | { readonly type: "tick" | "snapshot"; readonly quote: Quote }
  /** `epoch` names the log; empty while there is none yet. */
  | { readonly type: "subscribed"; readonly symbols: readonly string[]; readonly epoch: string }
  | { readonly type: "recovered"; readonly recovered: boolean; readonly reason: string }
  | { readonly type: "gap"; readonly gap: Gap }
  | {
    readonly type: "status";
    /** `up`, `down` or `ended`: the feed; `epoch`: the log is another one. */
    readonly state: string;
    /** Symbols concerned; empty means all. */
    readonly symbols: readonly string[];
    /** The new log's, when the state says so. */
    readonly epoch: string;
  }
  | { readonly type: "error"; readonly code: string; readonly text: string };

type Fields = Readonly<Record<string, unknown>>;

/** The messages of one frame, in order; those that the page has no use for are left out. */
export function readFrame(frame: string): Message[] {
  const value: unknown = JSON.parse(frame);
  const messages: Message[] = [];
  for (const item of Array.isArray(value) ? value : [value]) {
    const message = isFields(item) ? readMessage(item) : undefined;
    if (message !== undefined) messages.push(message);
  }
  return messages;
}

function readMessage(fields: Fields): Message | undefined {
  if (Array.isArray(fields.subscribed)) {
    return {
      type: "subscribed",
      symbols: texts(fields.subscribed),
      epoch: textOf(fields.epoch),
    };
  }
  if (typeof fields.error === "string") {
    return { type: "error", code: textOf(fields.code), text: fields.error };
  }
  switch (fields.type) {
    case "tick":
    case "snapshot": {
      const quote = readQuote(fields);
      return quote === undefined ? undefined : { type: fields.type, quote };
    }
    case "recovered":
      return {
        type: "recovered",
        recovered: fields.recovered === true,
        reason: textOf(fields.reason),
      };
    case "gap": {
      const fromMs = readMoment(fields.from), toMs = readMoment(fields.to);
      if (fromMs === undefined || toMs === undefined) return undefined;
      const gap = { symbol: textOf(fields.symbol), fromMs, toMs, reason: textOf(fields.reason) };
      return { type: "gap", gap };
    }
    case "status":
      return {
        type: "status",
        state: textOf(fields.state),
        symbols: texts(fields.symbols),
        epoch: textOf(fields.epoch),
      };
  }
  return undefined;
}

/** A tick as the stream and `/ticks/{symbol}` write it; undefined when it is not one. */
export function readQuote(fields: Fields, symbol = textOf(fields.symbol)): Quote | undefined {
  const { id, ts, bid, ask } = fields;
  if (typeof id !== "string" || typeof bid !== "number" || typeof ask !== "number") {
    return undefined;
  }
  const parsed = parseId(id);
  const utcMs = typeof ts === "number" ? Math.round(ts * 1000) : parsed.ms;
  return { symbol, id: parsed, utcMs, bid, ask };
}

/** A moment as an id, as epoch seconds or ms, or as ISO text; as UTC ms. */
function readMoment(value: unknown): number | undefined {
  if (typeof value === "number") return value < SECONDS_BELOW ? Math.round(value * 1000) : value;
  if (typeof value !== "string") return undefined;
  if (/^\d+-\d+$/.test(value)) return parseId(value).ms;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

// 1e11 s is the year 5138 and 1e11 ms is 1973: no tick is near either.
const SECONDS_BELOW = 1e11;

export function isAfter(a: Quote, b: Quote): boolean {
  return compareIds(a.id, b.id) > 0;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
