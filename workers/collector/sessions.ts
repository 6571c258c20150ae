import { connectBridge } from "../../lib/bridge/client.ts";
import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import type { SessionStatus } from "../../lib/bridge/feed.ts";
import { FeedHoles } from "../../lib/capture/feed_holes.ts";
import { messageOf } from "../../lib/program/errors.ts";
import { BackOff, pause } from "../../lib/program/pause.ts";
import type { Calendars } from "../../lib/time/calendar/calendars.ts";
import { collect, type CollectOptions } from "./collect.ts";
import { Collecting } from "./collecting.ts";
import { keepSpecs } from "./spec_keeping.ts";
import { Timekeeping, type TimekeepingOptions } from "./timekeeping.ts";

export interface SessionsOptions
  extends Omit<CollectOptions, "holes" | "time" | "collecting">, TimekeepingOptions {
  /** Time between two looks at the specifications of the symbols; undefined: none. */
  readonly specsEveryMs: number | undefined;
  readonly recordAccount: boolean;
  /** When the symbols' markets trade; undefined for a source that keeps no hours. */
  readonly calendars?: Calendars | undefined;
}

/** Captures every session that the bridge has, each on a connection of its own. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #collecting = new Map<string, Collecting>();
  #why = "starting";

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** By the name of the session; empty until the bridge has said what it has. */
  get collecting(): ReadonlyMap<string, Collecting> {
    return this.#collecting;
  }

  /** Why there is none yet. */
  get why(): string {
    return this.#why;
  }

  /** The sources' present in UTC: the one that is furthest behind. */
  get nowUtcMs(): number {
    const nows = [...this.#collecting.values()].map(({ nowUtcMs }) => nowUtcMs);
    return nows.length === 0 ? Date.now() : Math.min(...nows);
  }

  /** Until the signal, or until every session's source is over when that is wanted. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      const names = await this.#ask();
      if (names === undefined || await this.#collectAll(names)) return;
    }
  }

  /** What the bridge has; undefined when the signal comes first. */
  async #ask(): Promise<readonly string[] | undefined> {
    const { bridge, signal, events, reconnectMaxMs } = this.#options;
    const backOff = new BackOff({ minMs: 50, maxMs: reconnectMaxMs });
    while (!signal.aborted) {
      try {
        await using connection = await connectBridge({ ...bridge, signal });
        return namesOf(connection.sessions);
      } catch (cause) {
        if (signal.aborted) break;
        // A session that is down is no reason to leave the others.
        if (cause instanceof BridgeError && cause.sessions.length > 0) {
          return namesOf(cause.sessions);
        }
        const pauseMs = backOff.next();
        this.#why = messageOf(cause);
        events.broke(cause, pauseMs);
        await pause(pauseMs, signal);
      }
    }
    return undefined;
  }

  /** False when the bridge came back with other sessions, or with more. */
  async #collectAll(names: readonly string[]): Promise<boolean> {
    const changed = new AbortController();
    const known = new Set(names);
    const onSessions = (all: readonly SessionStatus[]) => {
      if (all.some(({ name }) => !known.has(name))) changed.abort();
    };
    const signal = AbortSignal.any([this.#options.signal, changed.signal]);
    this.#collecting.clear();
    const { dataDir, specsEveryMs: everyMs } = this.#options;
    const isOnly = names.length === 1;
    const running = names.map(async (session) => {
      const time = new Timekeeping(this.#options);
      const collecting = new Collecting(time, this.#options.calendars);
      this.#collecting.set(session, collecting);
      const bridge = { ...this.#options.bridge, session };
      const over = new AbortController();
      const keeping = everyMs === undefined ? undefined : keepSpecs({
        ...this.#options,
        bridge,
        everyMs,
        signal: AbortSignal.any([signal, over.signal]),
      });
      try {
        await collect({
          ...this.#options,
          bridge,
          holes: await FeedHoles.open(dataDir, session, { isOnly }),
          time,
          collecting,
          onSessions,
          signal,
        });
      } catch (cause) {
        // The others stop in good order before the whole does.
        changed.abort();
        if (!(cause instanceof BridgeError && cause.code === "unknown_session")) throw cause;
      } finally {
        over.abort();
        await keeping;
        await time[Symbol.asyncDispose]().catch(this.#options.events.clockNotSaved);
      }
    });
    await Promise.allSettled(running);
    await Promise.all(running);
    return !changed.signal.aborted;
  }
}

function namesOf(sessions: readonly SessionStatus[]): string[] {
  return sessions.map(({ name }) => name);
}
