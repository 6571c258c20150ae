import { copyBarFile, copyTickFile } from "../../../lib/capture/parquet/copy.ts";
import { BarProofs } from "../../../lib/capture/parquet/proof.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { pause } from "../../../lib/program/pause.ts";
import type { CopyEvents } from "./events.ts";
import { isCopied, sealedFiles } from "./sealed_files.ts";

/** A day of a thousand symbols ends at once. When the queue is full, a survey finds the rest. */
const MOST_WAITING = 1000;
/** What others add to the folder, and what failed, is looked for this often. */
const SURVEY_MS = 3_600_000;
/**
 * A tenth of what the command makes: encoding one holds up the capture for about 10 ms, and the file is
 * hardly larger.
 */
const GROUP_ROWS = 10_000;
/**
 * At midnight all days are sealed in a row, while the capture waits: nothing is copied until it has been
 * quiet for so long.
 */
const QUIET_MS = 3000;

export interface CopiesOptions {
  readonly dataDir: string;
  readonly events: CopyEvents;
  /** Ends the copying at once; a copy that is half made is made again after the next start. */
  readonly signal: AbortSignal;
  /** How long no file must have been sealed before one is copied; 3 s when absent. */
  readonly quietMs?: number;
}

/**
 * Makes Parquet copies beside a running writer, one at a time and at most half of the time, so that
 * capture always gets its turn. It begins with what earlier runs left without a copy. Nothing that
 * fails here reaches the writer.
 */
export class Copies implements AsyncDisposable {
  readonly #options: CopiesOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #waiting: string[] = [];
  readonly #failed = new Map<string, string>();
  readonly #done: Promise<void>;
  /** Found copied; not read again at each survey. */
  readonly #known = new Set<string>();
  #surveyAtMs = 0;
  #quietAtMs = 0;
  #isEnding = false;
  #wake: () => void = () => {};

  constructor(options: CopiesOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#done = this.#run();
  }

  /** A file was sealed just now. */
  sealed(relativeCsvPath: string): void {
    this.#quietAtMs = performance.now() + (this.#options.quietMs ?? QUIET_MS);
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(relativeCsvPath);
    else this.#surveyAtMs = 0;
    this.#options.events.waiting(this.#waiting.length);
    this.#wake();
  }

  /** For health; empty when there is nothing to say. */
  get trouble(): string {
    const [first] = this.#failed;
    if (first === undefined) return "";
    return `${this.#failed.size} without their Parquet copy, e.g. ${first[0]}: ${first[1]}`;
  }

  /** Resolves when every sealed file has been looked at, at once when the signal has aborted. */
  async finish(): Promise<void> {
    this.#isEnding = true;
    this.#wake();
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("copying ends", "AbortError"));
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      if (this.#untilQuietMs() > 0) {
        await this.#sleep(this.#untilQuietMs());
        continue;
      }
      const path = this.#waiting.shift();
      if (path !== undefined) {
        this.#options.events.waiting(this.#waiting.length);
        await this.#copy(path);
      } else if (performance.now() >= this.#surveyAtMs) {
        this.#surveyAtMs = performance.now() + SURVEY_MS;
        await this.#survey();
      } else if (this.#isEnding) {
        return;
      } else {
        await this.#sleep(this.#surveyAtMs - performance.now());
      }
    }
  }

  async #survey(): Promise<void> {
    const { dataDir } = this.#options, proofs = new BarProofs(dataDir);
    // What failed is tried again now, or is no longer there.
    this.#failed.clear();
    try {
      for await (const path of sealedFiles(dataDir)) {
        if (this.#signal.aborted) return;
        if (this.#known.has(path)) continue;
        await this.#copy(path, { proofs, isSurvey: true });
        await pause(1, this.#signal);
      }
    } catch (cause) {
      this.#fail("the files of the data folder", cause);
    }
  }

  async #copy(
    path: string,
    { proofs = new BarProofs(this.#options.dataDir), isSurvey = false } = {},
  ): Promise<void> {
    const { dataDir, events } = this.#options;
    try {
      if (!isSurvey || !await isCopied(dataDir, path, proofs)) {
        const breathe = this.#breathing();
        events.copied(
          path.startsWith("ticks/")
            ? await copyTickFile(dataDir, path, { breathe, groupRows: GROUP_ROWS })
            : await copyBarFile(dataDir, path, { proofs }),
        );
      }
      this.#known.add(path);
      this.#failed.delete(path);
    } catch (cause) {
      if (!this.#signal.aborted) this.#fail(path, cause);
    }
  }

  #fail(what: string, cause: unknown): void {
    this.#failed.set(what, messageOf(cause));
    this.#options.events.failed(what, cause);
  }

  #untilQuietMs(): number {
    return this.#isEnding ? 0 : Math.max(0, this.#quietAtMs - performance.now());
  }

  /** After each row group as long a pause as it took, and longer while files are sealed. */
  #breathing(): () => Promise<void> {
    let beganMs = performance.now();
    return async () => {
      const tookMs = performance.now() - beganMs;
      await pause(Math.max(tookMs, this.#untilQuietMs()), this.#signal);
      this.#signal.throwIfAborted();
      beganMs = performance.now();
    };
  }

  async #sleep(ms: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await pause(ms, AbortSignal.any([woken.signal, this.#signal]));
    this.#wake = () => {};
  }
}
