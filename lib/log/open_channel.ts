import type { DataKind, LogBackend } from "../program/shared_settings.ts";
import type { Channel } from "./channel.ts";
import { BroadcastTwin } from "./channel_broadcast.ts";
import { HttpTwin } from "./channel_http.ts";
import { RedisTwin } from "./channel_redis.ts";

export interface ChannelOptions {
  /** All programs share one process. */
  readonly embedded: boolean;
  readonly redisUrl?: string | undefined;
  readonly backend: LogBackend;
  readonly kind: DataKind;
  readonly dataDir: string;
  /** Where beats are posted when there is neither one process nor Redis. */
  readonly healthPort: number;
  /** The health program receives beats at its own door and never posts to itself. */
  readonly role: "health" | "program";
}

/**
 * The channel of this shape: Redis where the log is in Redis (programs may be on other machines, even
 * if some share a process), a broadcast inside one process, else posts to the health program.
 */
export function openChannel(options: ChannelOptions): Channel {
  const { embedded, redisUrl, backend, kind, dataDir, healthPort, role } = options;
  if (backend !== "sqlite" && redisUrl !== undefined) {
    return new RedisTwin({ url: redisUrl, prefix: kind === "raw" ? "" : `${kind}:` });
  }
  if (embedded) return new BroadcastTwin({ kind, dataDir });
  return new HttpTwin({ healthPort: role === "health" ? 0 : healthPort });
}
