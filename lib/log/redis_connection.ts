import { Redis } from "ioredis";
import { LogUnavailable } from "./tick_log.ts";

const CONNECT_MS = 2_000;
/** A script of 20,000 ticks takes a tenth of a second, a disk that stalls Redis some seconds. */
const ANSWER_MS = 10_000;
const LONGEST_RETRY_MS = 2_000;

/**
 * One connection that fails at once while Redis is away, rather than queueing without bound or
 * sending a write twice behind the caller's back; it reconnects by itself for ever.
 */
export class RedisConnection implements Disposable {
  readonly redis: Redis;
  readonly #shown: string;
  /** Why the last attempt to connect failed. */
  #failure: Error | undefined;

  /** How long an answer may take before the connection counts as lost, ms. */
  readonly answerMs: number;

  constructor(url: string, { answerMs = ANSWER_MS }: { readonly answerMs?: number } = {}) {
    this.answerMs = answerMs;
    this.#shown = withoutSecret(url);
    this.redis = new Redis(url, {
      protocol: 2,
      // A server that is loading answers each call with that; waiting for it would hide the reason.
      enableReadyCheck: false,
      enableOfflineQueue: false,
      enableAutoPipelining: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_MS,
      // Without it a machine that vanished would be waited for until TCP gives up, a quarter of an hour.
      socketTimeout: answerMs,
      retryStrategy: (times) =>
        Math.min(LONGEST_RETRY_MS, 50 * 2 ** Math.min(times, 6)) * (0.5 + Math.random() / 2),
    });
    this.redis.on("error", (cause: Error) => this.#failure = cause);
    this.redis.on("ready", () => this.#failure = undefined);
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
    // What ioredis throws carries the command's arguments: passwords, or thousands of ticks.
    const plain = new Error(cause.message);
    const reason = redisReason(cause.message);
    if (reason !== undefined) {
      return new LogUnavailable(
        `Cannot ${act} in Redis ${this.#shown}: current state is ${cause.message}`,
        { reason, cause: plain },
      );
    }
    const wanted = /unknown command/i.test(cause.message) ? " as Redis 6.2 or newer does" : "";
    return new Error(
      `Cannot ${act} in ${this.#shown}${wanted}: current answer is ${cause.message}`,
      { cause: plain },
    );
  }

  async #ready(): Promise<void> {
    // ioredis tells of a close a moment after its status has changed: that one is past.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (this.redis.status === "ready") return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const failed = () => {
      const why = this.#failure?.message ?? "no answer";
      reject(new Error(`Connection failed: ${why}`));
    };
    const timer = setTimeout(failed, CONNECT_MS);
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

/** Up to version 6 a script's error names its line before the code. */
const CODE = "(?:^|: -?)";
const FULL = new RegExp(`${CODE}(OOM|MISCONF)\\b`);
const READONLY = new RegExp(`${CODE}(READONLY|NOREPLICAS)\\b`);
const DOWN =
  /^(LOADING|MASTERDOWN|UNBLOCKED|TRYAGAIN|CLUSTERDOWN|BUSY|NOAUTH|WRONGPASS|NOPERM)\b|onnection|closed|writeable|max retries|[Tt]imeout|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST/;

/** What a reply means for the log; `undefined`: no trouble of the store but a wrong command. */
export function redisReason(message: string): LogUnavailable["reason"] | undefined {
  if (FULL.test(message)) return "full";
  if (READONLY.test(message)) return "readonly";
  return DOWN.test(message) ? "down" : undefined;
}

function withoutSecret(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
