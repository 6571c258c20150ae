import type { BridgeConnection } from "../../../lib/bridge/client.ts";
import type { ServerZone, SourceSymbol } from "../../../lib/bridge/feed.ts";
import {
  type ServerClock,
  ServerClockLedger,
  statedClock,
} from "../../../lib/time/server_clock.ts";
import { askHistory } from "../clock_history.ts";

export interface ClockOptions {
  readonly dataDir: string;
  /** What the operator says of a clock that would be learned. */
  readonly brokerTz: ServerZone | undefined;
  readonly symbols: readonly SourceSymbol[];
  /** Keeps what was learned; a dry run does not. */
  readonly save: boolean;
  readonly onProblem: (message: string) => void;
  readonly signal: AbortSignal;
}

/** The offset between a server and UTC is not known, so no bar of it can be placed. */
export class ClockUnknown extends Error {
  override readonly name = "ClockUnknown";
}

/**
 * The clock of a source: as it states it, else as the ledger of the data folder knows it, else as the
 * vendor's own history tells it. It is never guessed.
 * @throws ClockUnknown that says how to state it.
 */
export async function clockOf(
  connection: BridgeConnection,
  { dataDir, brokerTz, symbols, save, onProblem, signal }: ClockOptions,
): Promise<ServerClock> {
  const { name: server, clock } = connection.source;
  if (clock !== "learned") return statedClock(clock);
  const ledger = await ServerClockLedger.open({ dataDir, server, override: brokerTz });
  if (ledger.verdict().state !== "known" && brokerTz === undefined) {
    const noHistory = (symbol: string, why: string) =>
      onProblem(`Cannot read when the weeks of ${symbol} opened: ${why}`);
    await askHistory(connection, { symbols, ledger, events: { noHistory }, signal });
  }
  const known = ledger.clock();
  if (save) await ledger.save();
  if (known !== undefined && Date.now() < known.knownUntilUtcMs) return known;
  throw new ClockUnknown(
    `Cannot place the bars of ${server} in UTC: ${ledger.verdict().message}; BROKER_TZ (e.g. ` +
      "America/New_York+7h) states the rule, or deno task collector learns it from live ticks",
  );
}
