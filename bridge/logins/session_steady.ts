import type { SessionStatus } from "../../lib/bridge/feed.ts";
import type { Session } from "../session.ts";
import type { Source } from "../source.ts";

/** A source without a login, an invented market or a recording: connected from start to end. */
export class SteadySession implements Session {
  readonly status: SessionStatus;
  readonly source: Source;
  readonly attempted = Promise.resolve();

  constructor(name: string, source: Source) {
    this.source = source;
    this.status = { name, vendor: name, state: "connected", reason: "", sinceUtcMs: Date.now() };
  }

  onStatus(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source[Symbol.asyncDispose]();
  }
}
