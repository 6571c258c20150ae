import type { FromProgram, ToProgram } from "./run.ts";
import type { WorkerPermissions } from "./permissions.ts";
import type { SettingTexts } from "./settings.ts";
import { BackOff, pause } from "./pause.ts";

export interface SupervisedOptions {
  readonly name: string;
  /** The program's main module. */
  readonly url: URL;
  readonly permissions: WorkerPermissions;
  readonly settings: SettingTexts;
  /** A log line of the program, for the terminal. */
  readonly onLog: (line: string) => void;
  /** It died after it had been ready, and is started again. */
  readonly onRestart: (why: string) => void;
}

/** The program failed before it was ready: starting it again would fail again. */
export class StartFailed extends Error {
  override readonly name = "StartFailed";
}

type Facts = Readonly<Record<string, string>>;

/** One program in a Web Worker of its own, started again with a back-off when it dies. */
export class Supervised {
  readonly #options: SupervisedOptions;
  readonly #ready = Promise.withResolvers<Facts>();
  readonly #finished = Promise.withResolvers<void>();
  readonly #backOff = new BackOff({ minMs: 100, maxMs: 10_000 });
  #worker: Worker | undefined;
  #draining = false;
  #wasReady = false;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    this.#ready.promise.catch(() => {});
    this.#spawn();
  }

  /** Where it is, once it is up. Rejects with StartFailed. */
  get ready(): Promise<Facts> {
    return this.#ready.promise;
  }

  /** Resolves when its work is over: drained, or done by itself. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** Ends what is left of it and starts it again: for a program that beats no more. */
  replace(why: string): void {
    if (!this.#draining) this.#died(why);
  }

  /** Lets it finish what it has. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#worker === undefined) this.#finished.resolve();
    else this.#send({ type: "drain" });
    return this.#finished.promise;
  }

  #spawn(): void {
    const { name, url, permissions, settings, onLog } = this.#options;
    // The `deno` option is unstable, so the standard type does not know it.
    const options: WorkerOptions & { deno: unknown } = {
      type: "module",
      name,
      deno: { permissions },
    };
    const worker = new Worker(url, options);
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromProgram>) => {
      if (worker !== this.#worker) return;
      switch (data.type) {
        case "loaded":
          return this.#send({ type: "start", settings });
        case "ready":
          this.#wasReady = true;
          this.#backOff.reset();
          return this.#ready.resolve(data.facts);
        case "log":
          return onLog(data.line);
        case "finished":
          this.#worker = undefined;
          return this.#finished.resolve();
        case "failed":
          return this.#died(data.message);
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker === this.#worker) this.#died(event.message);
    };
  }

  async #died(why: string): Promise<void> {
    this.#worker?.terminate();
    this.#worker = undefined;
    if (!this.#wasReady) {
      this.#ready.reject(new StartFailed(why));
      return this.#finished.resolve();
    }
    if (this.#draining) return this.#finished.resolve();
    this.#options.onRestart(why);
    await pause(this.#backOff.next());
    if (this.#draining) this.#finished.resolve();
    else this.#spawn();
  }

  #send(message: ToProgram): void {
    this.#worker?.postMessage(message);
  }
}
