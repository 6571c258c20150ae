import type { Beat, Channel, ComponentName, ComponentReport, Level } from "../log/channel.ts";
import type { Telemetry } from "./events.ts";
import { registerProcessMetrics } from "./process_metrics.ts";
import { messageOf } from "./errors.ts";

/** What a program says of itself when asked, once a beat. */
export interface Description {
  /** One line for a person. */
  readonly status: string;
  readonly level: Level;
  readonly components: Partial<Record<ComponentName, ComponentReport>>;
}

export interface BeatOptions {
  readonly program: string;
  readonly channel: Channel;
  readonly telemetry: Telemetry;
  /** Asked before each beat, never twice at once; when it throws, the beat says so as unknown. */
  describe(): Description | Promise<Description>;
  /** Once it aborts, beats go on while the program drains, but say that it is leaving. */
  readonly signal: AbortSignal;
  readonly intervalMs?: number;
  /** Who reports the memory of the process; by default everybody but a Web Worker. */
  readonly wholeProcess?: boolean;
}

export interface Beating extends AsyncDisposable {
  /** Sends a last, leaving beat and ends; the channel must still be open. Idempotent. */
  stop(): Promise<void>;
}

/** How long an end waits for a `describe` that is slow. */
const LAST_DESCRIPTION_MS = 500;

/** Beats at once and then every interval (1 s) until stopped. */
export function startBeat(options: BeatOptions): Beating {
  const { program, channel, telemetry, signal, intervalMs = 1000 } = options;
  const measureProcess = registerProcessMetrics(
    telemetry,
    options.wholeProcess === undefined ? {} : { wholeProcess: options.wholeProcess },
  );
  const instance = crypto.randomUUID();
  const startedMs = Date.now();
  let last: Description = { status: "starting", level: "unknown", components: {} };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped: Promise<void> | undefined;

  async function send(): Promise<void> {
    last = await described(options.describe);
    // An end that began meanwhile sends the last beat itself, and nothing may follow it.
    if (stopped === undefined) await publish(signal.aborted);
  }

  async function publish(leaving: boolean): Promise<void> {
    measureProcess();
    const beat: Beat = {
      program,
      instance,
      atMs: Date.now(),
      startedMs,
      ...last,
      metrics: await metricsOf(telemetry),
      ...(leaving ? { leaving } : {}),
    };
    if (leaving || stopped === undefined) channel.publish("beat", beat);
  }

  async function turn(): Promise<void> {
    const begunMs = performance.now();
    await send();
    if (stopped !== undefined) return;
    const pauseMs = Math.max(0, begunMs + intervalMs - performance.now());
    const next = setTimeout(() => turning = turn(), pauseMs);
    // A beat alone keeps no process alive.
    Deno.unrefTimer(next);
    timer = next;
  }

  async function end(): Promise<void> {
    clearTimeout(timer);
    let late: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<void>((resolve) => {
      late = setTimeout(resolve, LAST_DESCRIPTION_MS);
    });
    await Promise.race([turning, deadline]);
    clearTimeout(late);
    await publish(true);
  }

  let turning = turn();
  const stop = () => stopped ??= end();
  return { stop, [Symbol.asyncDispose]: stop };
}

async function described(describe: BeatOptions["describe"]): Promise<Description> {
  try {
    const { status, level, components } = await describe();
    return { status, level, components };
  } catch (cause) {
    return {
      status: `Cannot describe itself: ${messageOf(cause)}`,
      level: "unknown",
      components: {},
    };
  }
}

/** A metric whose collection fails must not silence the beat. */
async function metricsOf(telemetry: Telemetry): Promise<unknown[]> {
  try {
    return await telemetry.registry.getMetricsAsJSON();
  } catch (cause) {
    telemetry.log.warning("Cannot collect metrics: {cause}", { cause: messageOf(cause) });
    return [];
  }
}
