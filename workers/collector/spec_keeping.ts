import { connectBridge, type ConnectOptions } from "../../lib/bridge/client.ts";
import type { SourceSymbol } from "../../lib/bridge/feed.ts";
import { writeAccountSnapshot } from "../../lib/capture/account_snapshot.ts";
import { lockRegistry } from "../../lib/capture/source_registry.ts";
import { recordSpec } from "../../lib/capture/spec_versions.ts";
import { pause } from "../../lib/program/pause.ts";
import type { CollectorEvents } from "./events.ts";

export interface SpecKeepingOptions {
  /** A connection of its own: thousands of symbols must not hold up the ticks. */
  readonly bridge: Omit<ConnectOptions, "signal">;
  readonly dataDir: string;
  readonly choose: (
    available: readonly SourceSymbol[],
    source: string,
  ) => Promise<readonly SourceSymbol[]>;
  readonly events: CollectorEvents;
  /** Writes the account's number into its snapshot, and not its hash. */
  readonly recordAccount: boolean;
  /** Time between two looks. */
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

const RETRY_MS = 60_000;

/**
 * Keeps what the vendor says beside its ticks, until the signal: dated versions of the captured
 * symbols' specifications, and snapshots of account and terminal.
 */
export async function keepSpecs(options: SpecKeepingOptions): Promise<void> {
  const { everyMs, events, signal } = options;
  while (!signal.aborted) {
    let waitMs = everyMs;
    try {
      events.specsChanged(await look(options));
    } catch (cause) {
      if (signal.aborted) return;
      events.specsNotRead(cause);
      waitMs = Math.min(everyMs, RETRY_MS);
    }
    await pause(waitMs, signal);
  }
}

/** The symbols whose specification is not what it was. */
async function look(options: SpecKeepingOptions): Promise<string[]> {
  const { bridge, dataDir, choose, signal } = options;
  await using connection = await connectBridge({ ...bridge, signal });
  const source = connection.source.name;
  const wanted = new Set(
    (await choose(await connection.symbols(), source)).map((one) => one.symbol),
  );
  const specs = await connection.specs();
  const { recordAccount } = options;
  const taken = { source, utcMs: Date.now(), recordAccount };
  await writeAccountSnapshot(dataDir, await connection.account(), taken);
  const changed: string[] = [];
  using _lock = await lockRegistry(dataDir);
  for (const described of specs) {
    if (signal.aborted) break;
    if (!wanted.has(described.symbol)) continue;
    const at = { described, source, utcMs: Date.now(), dryRun: false };
    const version = await recordSpec(dataDir, at);
    if (version !== undefined && Object.keys(version.changed).length > 0) {
      changed.push(described.symbol);
    }
  }
  return changed;
}
