import { FeedHoles } from "../../lib/capture/feed_holes.ts";
import type { Channel } from "../../lib/log/channel.ts";
import type { WriterEvents } from "./events.ts";

/**
 * Notes the outages that the channel tells of, for a data folder that the collector does not share.
 * Where it does it has noted them itself, and a manifest names a hole once however often it is noted.
 */
export class HeardHoles implements AsyncDisposable {
  readonly #unsubscribe: () => void;
  #noting: Promise<void> = Promise.resolve();

  constructor(channel: Channel, { dataDir, events }: { dataDir: string; events: WriterEvents }) {
    this.#unsubscribe = channel.subscribe("feed", (fact) => {
      this.#noting = this.#noting
        .then(() => FeedHoles.note(dataDir, fact))
        .catch((cause) => events.holeNotNoted(cause));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    await this.#noting;
  }
}
