import { Redis } from "ioredis";
import { LogUnavailable } from "./tick_log.ts";

const CONNECT_MS = 2_000;
const LONGEST_RETRY_MS = 2_000;

/**
 * One connection that fails at once while Redis is away, rather than queueing without bound or
 * sending a write twice behind the caller's back; it reconnects by itself for ever.
 */
export class RedisConnection implements Disposable {
  readonly redis: Redis;
  readonly #shown: string;

  constructor(url: string) {
    this.#shown = withoutSecret(url);
    this.redis = new Redis(url, {
      // Every server that has streams speaks it; RESP3 would only be asked for by servers from 6 on.
      protocol: 2,
      enableOfflineQueue: false,
      enableAutoPipelining: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_MS,
      retryStrategy: (times) =>
        Math.min(LONGEST_RETRY_MS, 50 * 2 ** Math.min(times, 6)) * (0.5 + Math.random() / 2),
    });
    // Every failure also rejects the call that met it; without a listener ioredis prints it.
    this.redis.on("error", () => {});
  }

  /** Runs a command, once connected; what fails becomes a `LogUnavailable` with its reason. */
  async run<T>(act: string, command: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      if (this.redis.status !== "ready") await this.#ready();
      return await command(this.redis);
    } catch (cause) {
      throw this.unavailable(act, cause);
    }
  }

  unavailable(act: string, cause: unknown): unknown {
    if (cause instanceof LogUnavailable || !(cause instanceof Error)) return cause;
    const reason = redisReason(cause.message);
    if (reason === undefined) return cause;
    return new LogUnavailable(
      `Cannot ${act} in Redis ${this.#shown}: current state is ${cause.message}`,
      { reason, cause },
    );
  }

  async #ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error("Connection is not ready")), CONNECT_MS);
    const failed = () => reject(new Error("Connection is closed"));
    this.redis.once("ready", resolve).once("close", failed);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.redis.off("ready", resolve).off("close", failed);
    }
  }

  [Symbol.dispose](): void {
    this.redis.disconnect();
  }
}

/** What a reply means for the log; `undefined`: no trouble of the store but a wrong command. */
export function redisReason(message: string): LogUnavailable["reason"] | undefined {
  if (/\bOOM\b|^MISCONF/.test(message)) return "full";
  if (/^READONLY|^NOREPLICAS/.test(message)) return "readonly";
  const down =
    /^LOADING|^MASTERDOWN|^UNBLOCKED|^TRYAGAIN|^CLUSTERDOWN|^BUSY |^NOAUTH|^WRONGPASS|onnection|closed|writeable|max retries|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND/;
  return down.test(message) ? "down" : undefined;
}

function withoutSecret(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
