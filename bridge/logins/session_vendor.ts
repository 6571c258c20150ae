import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import type { SessionState, SessionStatus, SourceSymbol } from "../../lib/bridge/feed.ts";
import type { StreamName, StreamNameOptions } from "../../lib/market/broker_symbol.ts";
import { messageOf } from "../../lib/program/errors.ts";
import { BackOff, pause } from "../../lib/program/pause.ts";
import { type DriverEnd, DriverError, type DriverErrorCode } from "../driver/driver_error.ts";
import type { DriverOpened, DriverProcess } from "../driver/driver_process.ts";
import type { Session } from "../session.ts";
import { ProcessSource } from "../source_process.ts";

export interface VendorSessionOptions {
  readonly name: string;
  readonly vendor: string;
  /** Logs in and verifies; rejects, with a DriverError where the vendor or its driver is why. */
  readonly logIn: (signal: AbortSignal) => Promise<DriverProcess>;
  readonly names: StreamNameOptions;
  /** Says why these symbols of the feed `name` may not be served, where others have them. */
  readonly refusalOf: (
    feed: { name: string; symbols: readonly SourceSymbol[] },
  ) => string | undefined;
  readonly heartbeatMs: number;
  readonly events: SessionEvents;
  readonly pauses?: Readonly<Record<Exclude<SessionState, "connected">, Pauses>>;
}

/** What a session's life tells the log. */
export interface SessionEvents {
  /** An attempt begins; `status` is from before it. */
  loggingIn(status: SessionStatus): void;
  sessionChanged(status: SessionStatus): void;
  loggedIn(session: string, opened: DriverOpened): void;
  namesContested(session: string, names: readonly StreamName[]): void;
}

/** Of a back-off, in ms. */
interface Pauses {
  readonly minMs: number;
  readonly maxMs: number;
}

/** What broke is tried again soon; a vendor may lock an account whose password is wrong too often. */
const PAUSES = {
  connecting: { minMs: 1000, maxMs: 60_000 },
  waiting: { minMs: 30_000, maxMs: 300_000 },
  failed: { minMs: 60_000, maxMs: 1_800_000 },
};
/** A login that lasted as long was a good one: what comes after it is no longer the same trouble. */
const STEADY_MS = 60_000;
/** Calls may fail alone, and the vendor says when the session is gone: only a second failure does. */
const MAX_FAILED_CHECKS = 2;
/** Reasons are for a person to read, and travel in one frame with those of other sessions. */
const MAX_REASON_CHARACTERS = 500;

const STATE_AFTER: Partial<Record<DriverErrorCode, Trouble["state"]>> = {
  closed: "waiting",
  login: "failed",
  unusable: "failed",
  missing: "failed",
  bad_request: "failed",
};

/** A login that is kept: opened, verified, asked every few seconds, opened again when it ends. */
export class VendorSession implements Session {
  readonly #options: VendorSessionOptions;
  readonly #stop = new AbortController();
  readonly #listeners: ((status: SessionStatus) => void)[] = [];
  readonly #backOffs: Readonly<Record<Exclude<SessionState, "connected">, BackOff>>;
  readonly #attempted = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #status: SessionStatus;
  #source: ProcessSource | undefined;
  #driver: DriverProcess | undefined;

  constructor(options: VendorSessionOptions) {
    const { name, vendor, pauses = PAUSES } = options;
    this.#options = options;
    this.#status = {
      ...{ name, vendor, state: "connecting", reason: "it is logging in" },
      sinceUtcMs: Date.now(),
    };
    this.#backOffs = {
      connecting: new BackOff(pauses.connecting),
      waiting: new BackOff(pauses.waiting),
      failed: new BackOff(pauses.failed),
    };
    this.#running = this.#run();
  }

  get status(): SessionStatus {
    return this.#status;
  }

  get source(): ProcessSource | undefined {
    return this.#source;
  }

  get attempted(): Promise<void> {
    return this.#attempted.promise;
  }

  onStatus(listener: (status: SessionStatus) => void): void {
    this.#listeners.push(listener);
  }

  /** Logs out; resolves when the driver is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#attempted.resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const startedMs = performance.now();
      this.#options.events.loggingIn(this.#status);
      const { state, reason } = await this.#live().catch(troubleOf);
      if (signal.aborted) return;
      this.#become(state, reason);
      if (performance.now() - startedMs > STEADY_MS) {
        for (const backOff of Object.values(this.#backOffs)) backOff.reset();
      }
      await pause(this.#backOffs[state].next(), signal);
    }
  }

  /** One login, from its beginning to its end. */
  async #live(): Promise<Trouble> {
    const { name, logIn, refusalOf, events } = this.#options;
    await using driver = await logIn(this.#stop.signal);
    const { opened } = driver;
    events.loggedIn(name, opened);
    const source = this.#source ?? this.#sourceOf(opened);
    const isLearned = source.clock === "learned";
    // Ticks of another server must not pass under this one's name.
    if (source.name !== this.#nameOf(opened.server) || isLearned !== (opened.clock === "learned")) {
      return failed(
        `it is logged in at ${opened.server}, and was at ${source.name} before: log in there again, or start the bridge again`,
      );
    }
    this.#driver = driver;
    try {
      const refusal = refusalOf({ name: source.name, symbols: await source.symbols() });
      if (refusal !== undefined) return failed(refusal);
      this.#source = source;
      const trouble = await this.#keep(driver);
      // Logging out may take its time, and nobody should take the session for connected meanwhile.
      if (!this.#stop.signal.aborted) this.#become(trouble.state, trouble.reason);
      return trouble;
    } finally {
      this.#driver = undefined;
    }
  }

  #sourceOf({ server, clock }: DriverOpened): ProcessSource {
    const { name, names, events } = this.#options;
    return new ProcessSource({
      name: this.#nameOf(server),
      clock,
      names,
      driver: () => this.#currentDriver(),
      onContested: (contested) => events.namesContested(name, contested),
    });
  }

  #nameOf(server: string): string {
    return `${this.#options.vendor}:${server}`;
  }

  #currentDriver(): DriverProcess {
    if (this.#driver !== undefined) return this.#driver;
    const { name, state, reason } = this.#status;
    throw new BridgeError("session_down", `The session ${name} is ${state}: ${reason}`);
  }

  /** Asks on and on; resolves with why the login is over. */
  async #keep(driver: DriverProcess): Promise<Trouble> {
    const over = new AbortController();
    const asked = AbortSignal.any([over.signal, this.#stop.signal]);
    driver.subscribe({
      feed: ({ state, reason }) => this.#becomeFed(state, reason),
      ended: (end) => over.abort(end),
    });
    this.#becomeFed(driver.feed?.state ?? "up", driver.feed?.reason ?? "");
    for (let failures = 0; !asked.aborted;) {
      await pause(this.#options.heartbeatMs, asked);
      if (asked.aborted) break;
      try {
        await driver.check();
        failures = 0;
      } catch (cause) {
        if (over.signal.aborted) break;
        // What it is busy with has a limit of its own.
        if (cause instanceof DriverError && cause.code === "busy") continue;
        const isOneCall = cause instanceof DriverError && cause.code === "vendor";
        if (!isOneCall || ++failures >= MAX_FAILED_CHECKS) return troubleOf(cause);
      }
    }
    return over.signal.aborted ? troubleAfter(await driver.ended) : STOPPED;
  }

  #becomeFed(state: "down" | "up", reason: string): void {
    if (state === "up") this.#become("connected", "");
    else this.#become("connecting", reason);
  }

  #become(state: SessionState, whole: string): void {
    this.#attempted.resolve();
    const before = this.#status;
    const reason = whole.slice(0, MAX_REASON_CHARACTERS);
    if (state === before.state && reason === before.reason) return;
    const sinceUtcMs = state === before.state ? before.sinceUtcMs : Date.now();
    this.#status = { ...before, state, reason, sinceUtcMs };
    this.#options.events.sessionChanged(this.#status);
    for (const listener of this.#listeners) listener(this.#status);
  }
}

interface Trouble {
  readonly state: Exclude<SessionState, "connected">;
  readonly reason: string;
}

const STOPPED: Trouble = { state: "connecting", reason: "the bridge is ending" };

function failed(reason: string): Trouble {
  return { state: "failed", reason };
}

function troubleAfter({ code, closed, reason }: DriverEnd): Trouble {
  return { state: closed ? "waiting" : STATE_AFTER[code] ?? "connecting", reason };
}

function troubleOf(cause: unknown): Trouble {
  const state = cause instanceof DriverError ? STATE_AFTER[cause.code] : undefined;
  return { state: state ?? "connecting", reason: messageOf(cause) };
}
