import { Redis } from "ioredis";
import type { ComponentReport } from "../../lib/log/channel.ts";
import { messageOf } from "../../lib/program/errors.ts";

/** An answer later than this is a Redis in trouble, though it lives. */
const SLOW_MS = 250;
const TIMEOUT_MS = 1000;

/** Asks Redis for a sign of life, on a connection of its own that reconnects for ever. */
export class RedisProbe implements Disposable {
  readonly #redis: Redis;

  constructor(url: string) {
    this.#redis = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: TIMEOUT_MS,
      connectTimeout: TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(100 * attempt, 1000),
    });
    // The next probe reports it; without a listener it would end the program.
    this.#redis.on("error", () => {});
  }

  async measure(): Promise<ComponentReport> {
    const begunMs = performance.now();
    try {
      await this.#redis.ping();
      const ms = Math.round((performance.now() - begunMs) * 10) / 10;
      const status = ms > SLOW_MS ? "degraded" : "healthy";
      return { status, value: ms, threshold: SLOW_MS, message: `answers in ${ms} ms` };
    } catch (cause) {
      const message = `Cannot reach Redis: ${messageOf(cause)}`;
      return { status: "critical", value: null, threshold: SLOW_MS, message };
    }
  }

  [Symbol.dispose](): void {
    this.#redis.disconnect();
  }
}
