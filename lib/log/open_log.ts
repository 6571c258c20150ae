import { type DataKind, type LogBackend } from "../program/shared_settings.ts";
import type { WakeSource } from "./pause.ts";
import type { TickLog, TickLogReader } from "./tick_log.ts";
import { SqliteTickLog } from "./tick_log_sqlite.ts";
import { SqliteTickLogReader } from "./tick_log_sqlite_reader.ts";

/** Where the log is: the shared settings, as they are read. */
export interface LogPlace {
  readonly backend: LogBackend;
  readonly redisUrl?: string | undefined;
  readonly dataDir: string;
  readonly kind: DataKind;
}

export interface OpenReader extends LogPlace {
  /** Whether the program commits positions; only then may it write `readers.sqlite`. */
  readonly readerPositions: boolean;
  /** Wakes a waiting read, e.g. the channel's `wake`. */
  readonly wake?: WakeSource;
  /** How often a waiting read looks by itself, ms. */
  readonly pollMs?: number;
}

/** The collector's log. @throws when another collector has it, or it holds another kind. */
export async function openLog(place: LogPlace): Promise<TickLog> {
  return await SqliteTickLog.open({ folder: logFolder(place.dataDir), kind: place.kind });
}

/** The log for everybody else. Resolves also while there is none yet, or it cannot be reached. */
export function openLogReader(options: OpenReader): Promise<TickLogReader> {
  const { readerPositions, wake, pollMs } = options;
  return Promise.resolve(
    new SqliteTickLogReader({
      folder: logFolder(options.dataDir),
      readerPositions,
      ...(wake && { wake }),
      ...(pollMs !== undefined && { pollMs }),
    }),
  );
}

export function logFolder(dataDir: string): string {
  return `${dataDir}/log`;
}
