import type { Channel } from "../../lib/log/channel.ts";
import type { TickLogReader } from "../../lib/log/tick_log.ts";
import type { Captures } from "./captures.ts";
import type { WriterEvents } from "./events.ts";
import type { WriterHealth } from "./health.ts";

/** What the loop is given; who made the parts closes them. */
export interface WriteOptions {
  readonly log: TickLogReader;
  readonly channel: Channel;
  readonly dataDir: string;
  /** Of the data folder; a log is written into one folder only. */
  readonly folderId: number;
  readonly adoptFolder: boolean;
  readonly captures: Captures;
  readonly events: WriterEvents;
  readonly health: WriterHealth;
  /** Told of each file that was sealed, relative to the data folder. */
  readonly sealed?: (path: string) => void;
  readonly flushIntervalMs: number;
  readonly flushTicks: number;
  readonly readTicks: number;
  readonly acceptGap: boolean;
  /** Resolve when every feed has ended and every day is sealed. */
  readonly once: boolean;
  readonly drainMs: number;
  readonly signal: AbortSignal;
}
