import { type DataKind, type LogBackend } from "../program/shared_settings.ts";
import type { WakeSource } from "./wakeable_wait.ts";
import type { TickLog, TickLogReader } from "./tick_log.ts";
import { RedisTickLogReader } from "./tick_log_redis_reader.ts";
import { SpillingTickLog } from "./tick_log_spilling.ts";
import { SqliteTickLog } from "./tick_log_sqlite.ts";
import { SqliteTickLogReader } from "./tick_log_sqlite_reader.ts";

/** Where the log is: the shared settings, as they are read. */
export interface LogPlace {
  readonly backend: LogBackend;
  readonly redisUrl?: string | undefined;
  readonly dataDir: string;
  readonly kind: DataKind;
  /** Of `log_settings.ts`; the collector's. */
  readonly journalMaxTicks?: number;
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
  const folder = logFolder(place.dataDir), { kind } = place;
  const url = redisUrlOf(place);
  if (url === undefined) return await SqliteTickLog.open({ folder, kind });
  return await SpillingTickLog.open({
    folder: `${folder}/journal`,
    kind,
    url,
    prefix: redisPrefix(kind),
    ...(place.journalMaxTicks !== undefined && { maxTicks: place.journalMaxTicks }),
  });
}

/** The log for everybody else. Resolves also while there is none yet, or it cannot be reached. */
// deno-lint-ignore require-await -- a wrong setting must reach the caller as a rejection
export async function openLogReader(options: OpenReader): Promise<TickLogReader> {
  const { readerPositions, wake, pollMs } = options;
  const url = redisUrlOf(options);
  if (url !== undefined) {
    return new RedisTickLogReader({ url, prefix: redisPrefix(options.kind) });
  }
  return new SqliteTickLogReader({
    folder: logFolder(options.dataDir),
    readerPositions,
    ...(wake && { wake }),
    ...(pollMs !== undefined && { pollMs }),
  });
}

export function logFolder(dataDir: string): string {
  return `${dataDir}/log`;
}

/** What the names of a kind begin with in Redis: captured data has the plain ones. */
export function redisPrefix(kind: DataKind): string {
  return kind === "raw" ? "" : `${kind}:`;
}

/** The URL when the log is in Redis; `undefined` when it is in a file. */
function redisUrlOf({ backend, redisUrl }: LogPlace): string | undefined {
  if (backend === "sqlite") return undefined;
  if (backend === "redis" && redisUrl === undefined) {
    throw new TypeError(
      "Cannot open the log in Redis as TICK_QUEUE_BACKEND=redis wants: current REDIS_URL is not set",
    );
  }
  return redisUrl;
}
