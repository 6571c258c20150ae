import type { Channel } from "../../lib/log/channel.ts";

/** Silent for so long means gone: three beats, so that its symbols are taken within 5 s. */
const SILENT_MS = 3000;

/** The other writers that beat on the channel. Best effort: the locks decide, this only shares out. */
export class Peers implements Disposable {
  readonly #lastSeenMs = new Map<string, number>();
  readonly #unsubscribe: () => void;

  constructor(channel: Channel) {
    this.#unsubscribe = channel.subscribe("beat", ({ program, instance, leaving }) => {
      if (program !== "writer") return;
      if (leaving) this.#lastSeenMs.delete(instance);
      else this.#lastSeenMs.set(instance, performance.now());
    });
  }

  count(): number {
    const nowMs = performance.now();
    for (const [instance, seenMs] of this.#lastSeenMs) {
      if (nowMs - seenMs > SILENT_MS) this.#lastSeenMs.delete(instance);
    }
    return this.#lastSeenMs.size;
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }
}
