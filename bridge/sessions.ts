import { BridgeError } from "../lib/bridge/bridge_error.ts";
import type { SessionStatus } from "../lib/bridge/feed.ts";
import type { Session } from "./session.ts";
import type { Source } from "./source.ts";

/** A session while somebody uses it; disposing says that it is used no more, and closes nothing. */
export interface SessionUse extends Disposable {
  readonly name: string;
  readonly source: Source;
}

/** All sessions of one bridge, in the order of the settings. */
export class Sessions implements AsyncDisposable {
  readonly #sessions: ReadonlyMap<string, Session>;
  readonly #uses = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  /** Disposes of the sessions when it is disposed. */
  constructor(sessions: readonly Session[]) {
    this.#sessions = new Map(sessions.map((session) => [session.status.name, session]));
    for (const session of sessions) {
      session.onStatus(() => {
        for (const listener of this.#listeners) listener();
      });
    }
  }

  get statuses(): readonly SessionStatus[] {
    return [...this.#sessions.values()].map(({ status }) => status);
  }

  /** Calls after each change of a status until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves once a session that `take` may give was tried: it is then more than on its way. */
  async attempted(wanted: string | undefined): Promise<void> {
    const [first] = this.#sessions.values();
    const one = wanted === undefined ? first : this.#sessions.get(wanted);
    const all = one === undefined ? [...this.#sessions.values()] : [one];
    await Promise.race(all.map(({ attempted }) => attempted));
  }

  /**
   * What a collector asked for: a name, nothing (the first), `*` or `*:<vendor>[:<server>]` (a lease).
   * @throws BridgeError `unknown_session`, or `session_down` where no source is known yet.
   */
  take(wanted: string | undefined): SessionUse {
    if (wanted === "*") return this.lease();
    return wanted?.startsWith("*:") ? this.lease(wanted.slice(2)) : this.get(wanted);
  }

  /** The named session, or the first: connected, or with a source that will be again. */
  get(name?: string): SessionUse {
    const [first] = this.#sessions.values();
    const session = name === undefined ? first : this.#sessions.get(name);
    if (session === undefined) {
      throw new BridgeError(
        "unknown_session",
        `Cannot take ${name ?? "the first"} as a session: current sessions are ${this.#names()}`,
        { sessions: this.statuses },
      );
    }
    return this.#use(session);
  }

  /**
   * For work that may share: the connected session with the fewest users, of all or of one vendor
   * (`mt5`) or source (`mt5:Broker-Demo`). Its ticks go on meanwhile.
   */
  lease(of: string = ""): SessionUse {
    const fitting = [...this.#sessions.values()].filter(({ status, source }) =>
      of === "" || status.vendor === of || source?.name === of
    );
    const free = fitting
      .filter(({ status }) => status.state === "connected")
      .sort((a, b) => this.#usersOf(a) - this.#usersOf(b));
    const [session] = free.length > 0 ? free : fitting;
    if (session !== undefined) return this.#use(session, free.length > 0);
    throw new BridgeError(
      "unknown_session",
      `Cannot lease a session of ${of}: current sessions are ${this.#names()}`,
      { sessions: this.statuses },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#sessions.values()];
    await Promise.all(all.map((session) => session[Symbol.asyncDispose]()));
  }

  #use(session: Session, isFit = true): SessionUse {
    const { status: { name, state, reason }, source } = session;
    if (source === undefined || !isFit) {
      throw new BridgeError(
        "session_down",
        `Cannot use the session ${name}: it is ${state}${reason === "" ? "" : `: ${reason}`}`,
        { sessions: this.statuses },
      );
    }
    this.#uses.set(name, this.#usersOf(session) + 1);
    let isUsed = true;
    return {
      name,
      source,
      [Symbol.dispose]: () => {
        if (isUsed) this.#uses.set(name, this.#usersOf(session) - 1);
        isUsed = false;
      },
    };
  }

  #usersOf({ status: { name } }: Session): number {
    return this.#uses.get(name) ?? 0;
  }

  #names(): string {
    return [...this.#sessions.keys()].join(", ");
  }
}
