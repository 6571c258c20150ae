import { DriverError } from "./driver_error.ts";
import type { DriverPipe } from "./driver_pipe.ts";
import type { DriverRequests } from "./driver_requests.ts";
import type { DriverOutput } from "./driver_stderr.ts";

export interface WatchdogOptions {
  readonly pipe: Pick<DriverPipe, "writes" | "isWriting" | "stderrBytes">;
  readonly requests: Pick<DriverRequests, "current" | "moved">;
  readonly output: Pick<DriverOutput, "renew">;
  readonly callLimitMs: number;
  readonly openLimitMs: number;
  readonly onBite: (error: DriverError) => void;
}

/** Beats, presents and changes of the feed: a driver says a few a second. */
const MAX_UNASKED_PER_SECOND = 2000;
/** A driver that beats is alive and has limits of its own; some answers wait behind other calls. */
const CALLS_PER_ANSWER = 4;
/** What is not logged is thrown away, which costs time too. */
const MAX_STDERR_BYTES_PER_SECOND = 16 << 20;

/** Tells a driver that hangs, stops reading or floods. */
export class DriverWatchdog {
  readonly #options: WatchdogOptions;
  readonly #lookMs: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #lookedAt = performance.now();
  #sinceRenewedMs = 0;
  #wasHeard = false;
  #unasked = 0;
  #writes = 0;
  #stderrBytes = 0;
  #silentMs = 0;
  #dueMs = 0;
  #blockedMs = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const leastMs = Math.min(options.callLimitMs, options.openLimitMs);
    this.#lookMs = Math.min(Math.max(leastMs / 5, 10), 1000);
    this.#timer = setInterval(() => this.#look(), this.#lookMs);
  }

  /** A frame came. */
  heard(): void {
    this.#wasHeard = true;
  }

  /** A message came that answers nothing. */
  heardUnasked(): void {
    this.#unasked++;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const elapsedMs = performance.now() - this.#lookedAt;
    this.#lookedAt += elapsedMs;
    this.#lookForFloods(elapsedMs);
    // After this machine slept, or this program was busy, what the driver said is still unread.
    this.#lookForHangs(Math.min(elapsedMs, 2 * this.#lookMs));
  }

  #lookForFloods(elapsedMs: number): void {
    const { pipe, output } = this.#options;
    const seconds = Math.max(elapsedMs / 1000, 1);
    const stderrBytes = pipe.stderrBytes - this.#stderrBytes;
    if (this.#unasked > MAX_UNASKED_PER_SECOND * seconds) {
      this.#bite("flooded", `It sent ${this.#unasked} messages in ${Math.round(elapsedMs)} ms`);
    } else if (stderrBytes > MAX_STDERR_BYTES_PER_SECOND * seconds) {
      const mb = Math.round(stderrBytes / 1e6);
      this.#bite("flooded", `It wrote ${mb} MB to stderr in ${Math.round(elapsedMs)} ms`);
    }
    this.#sinceRenewedMs += elapsedMs;
    if (this.#sinceRenewedMs < 1000) return;
    this.#sinceRenewedMs = 0;
    this.#unasked = 0;
    this.#stderrBytes = pipe.stderrBytes;
    output.renew();
  }

  #lookForHangs(elapsedMs: number): void {
    const { pipe, requests, callLimitMs, openLimitMs } = this.#options;
    this.#blockedMs = pipe.isWriting && pipe.writes === this.#writes
      ? this.#blockedMs + elapsedMs
      : 0;
    this.#writes = pipe.writes;
    this.#dueMs = requests.moved() || requests.current === undefined ? 0 : this.#dueMs + elapsedMs;
    this.#silentMs = this.#wasHeard ? 0 : this.#silentMs + elapsedMs;
    this.#wasHeard = false;
    if (requests.current === "open") {
      if (this.#dueMs > openLimitMs) {
        this.#bite(
          "wedged",
          `It did not log in within ${openLimitMs} ms: does a window wait for ` +
            "somebody, or is the terminal still starting?",
        );
      }
    } else if (this.#blockedMs > callLimitMs) {
      this.#bite("stopped_reading", `It did not read its requests for ${callLimitMs} ms`);
    } else if (this.#silentMs > callLimitMs) {
      this.#bite("wedged", `A call into the vendor's library hung for ${callLimitMs} ms`);
    } else if (this.#dueMs > CALLS_PER_ANSWER * callLimitMs) {
      const ms = CALLS_PER_ANSWER * callLimitMs;
      this.#bite("wedged", `It did not answer ${requests.current} within ${ms} ms`);
    }
  }

  #bite(code: "flooded" | "wedged" | "stopped_reading", message: string): void {
    this.stop();
    this.#options.onBite(new DriverError(code, message));
  }
}
