import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import type { BridgeConnection } from "../../lib/bridge/client.ts";
import type { SourceSymbol } from "../../lib/bridge/feed.ts";
import { messageOf } from "../../lib/program/errors.ts";
import type { ServerClockLedger } from "../../lib/time/server_clock.ts";
import type { CollectorEvents } from "./events.ts";

/** Traded in every week and at every broker, so that their first bars tell when a week opened. */
const WITNESSES = ["EURUSD", "USDJPY", "GBPUSD", "AUDUSD", "XAUUSD"];
/** Two changes of the clock a year, each seen twice. */
const HISTORY_MS = 2 * 366 * 86_400_000;
/** A vendor loads a first year of bars slowly. */
const HISTORY_STEP_MS = 183 * 86_400_000;
const GREATEST_OFFSET_MS = 15 * 3_600_000;

export interface AskHistoryOptions {
  readonly symbols: readonly SourceSymbol[];
  readonly ledger: ServerClockLedger;
  readonly events: Pick<CollectorEvents, "noHistory">;
  readonly signal: AbortSignal;
}

/**
 * Tells the ledger when the weeks of the witnesses opened and closed, until it knows the rule. A
 * vendor that has no bars, or not yet, leaves the question to the live ticks: false when none had.
 * @throws BridgeError when the connection itself is gone.
 */
export async function askHistory(
  connection: BridgeConnection,
  { symbols, ledger, events, signal }: AskHistoryOptions,
): Promise<boolean> {
  let told = false;
  for (const symbol of witnesses(symbols)) {
    try {
      const opens = await barOpens(connection, symbol);
      told ||= opens.length > 0;
      ledger.learnFromHistory(symbol, opens);
    } catch (cause) {
      if (signal.aborted || isGone(cause)) throw cause;
      events.noHistory(symbol, messageOf(cause));
    }
    if (ledger.verdict().state === "known") break;
  }
  return told;
}

async function barOpens(connection: BridgeConnection, symbol: string): Promise<number[]> {
  const untilMs = Date.now() + GREATEST_OFFSET_MS;
  const opens: number[] = [];
  for (let fromMs = untilMs - HISTORY_MS; fromMs < untilMs; fromMs += HISTORY_STEP_MS) {
    const bars = await connection.bars({
      symbol,
      timeframe: "1H",
      fromServerMs: fromMs,
      toServerMs: Math.min(fromMs + HISTORY_STEP_MS, untilMs),
    });
    for (const { openServerMs } of bars) opens.push(openServerMs);
  }
  return opens;
}

/** The names that a session may have given a suffix. */
function witnesses(symbols: readonly SourceSymbol[]): string[] {
  return WITNESSES.flatMap((name) =>
    symbols.find(({ symbol }) => symbol.split("@", 1)[0] === name)?.symbol ?? []
  );
}

function isGone(cause: unknown): boolean {
  return cause instanceof BridgeError && (cause.code === "closed" || cause.code === "idle_peer");
}
