import {
  environment,
  readAllSettings,
  settingNames,
  type Settings,
  SettingsError,
  type SettingTable,
  type SettingTexts,
} from "./settings.ts";
import { messageOf } from "./errors.ts";
import { sharedSettings } from "./shared_settings.ts";
import { armFailPoint } from "./fail_point.ts";
import { configureLog, programLog } from "./log.ts";

/** What a running program is given. */
export interface Running<S extends SettingTable> {
  readonly settings: Settings<S>;
  readonly shared: Settings<typeof sharedSettings>;
  /** Aborts when the program should take nothing new, finish what it has, and return. */
  readonly signal: AbortSignal;
  /** Tells `start` that it is up and where, e.g. `{ url: "http://localhost:8000/" }`. */
  ready(facts: Readonly<Record<string, string>>): void;
}

export interface Program<S extends SettingTable> {
  readonly name: string;
  readonly settings: S;
  /** Runs until the signal aborts or the work is over; a rejection ends the process with code 1. */
  run(running: Running<S>): Promise<void>;
}

/** From `start` to a worker. */
export type ToProgram = { type: "start"; settings: SettingTexts } | { type: "drain" };
/** From a worker to `start`. */
export type FromProgram =
  | { type: "loaded" }
  | { type: "log"; line: string }
  | { type: "ready"; facts: Readonly<Record<string, string>> }
  | { type: "finished" }
  | { type: "failed"; message: string };

interface WorkerScope {
  postMessage(message: FromProgram): void;
  onmessage: ((event: MessageEvent<ToProgram>) => void) | null;
  close(): void;
}

/**
 * Runs a program where it is: in a process of its own (settings from the environment, Ctrl-C and
 * SIGTERM drain it) or in a Web Worker of `start` (settings and drain by message).
 */
export function runProgram<S extends SettingTable>(program: Program<S>): void {
  if (isWebWorker()) runAsWorker(program, globalThis as unknown as WorkerScope);
  else runAsProcess(program);
}

export function isWebWorker(): boolean {
  return "WorkerGlobalScope" in globalThis;
}

function runAsWorker<S extends SettingTable>(program: Program<S>, scope: WorkerScope): void {
  const drain = new AbortController();
  scope.onmessage = async ({ data }) => {
    if (data.type === "drain") return drain.abort(new DOMException("draining", "AbortError"));
    try {
      await start(program, data.settings, {
        signal: drain.signal,
        ready: (facts) => scope.postMessage({ type: "ready", facts }),
        print: (line) => scope.postMessage({ type: "log", line }),
      });
      scope.postMessage({ type: "finished" });
    } catch (cause) {
      scope.postMessage({ type: "failed", message: messageOf(cause) });
    }
    scope.close();
  };
  scope.postMessage({ type: "loaded" });
}

async function runAsProcess<S extends SettingTable>(program: Program<S>): Promise<void> {
  const drain = new AbortController();
  onStopSignal(() => drain.abort(new DOMException("draining", "AbortError")));
  const names = [...settingNames(sharedSettings), ...settingNames(program.settings)];
  try {
    const texts = environment(names);
    const deadline = Number(texts.DRAIN_MS ?? sharedSettings.drainMs.fallback);
    drain.signal.addEventListener("abort", () => {
      const late = setTimeout(() => {
        console.error(`Cannot finish ${program.name} within ${deadline} ms: ending it`);
        Deno.exit(1);
      }, deadline);
      Deno.unrefTimer(late);
    });
    await start(program, texts, {
      signal: drain.signal,
      print: (line) => console.error(line),
      ready: (facts) => {
        const shown = Object.entries(facts).map(([name, value]) => `${name}=${value}`).join(" ");
        programLog(program.name).info(`ready ${shown}`);
      },
    });
    Deno.exit(0);
  } catch (cause) {
    console.error(messageOf(cause));
    Deno.exit(cause instanceof SettingsError ? 2 : 1);
  }
}

async function start<S extends SettingTable>(
  program: Program<S>,
  texts: SettingTexts,
  { print, ...rest }: Pick<Running<S>, "signal" | "ready"> & { print: (line: string) => void },
): Promise<void> {
  const [shared, settings] = readAllSettings([sharedSettings, program.settings], texts);
  await configureLog({ format: shared.logFormat, level: shared.logLevel, print });
  armFailPoint(shared.failPoint);
  await program.run({ settings, shared, ...rest });
}

/**
 * Calls once, at Ctrl-C, or SIGTERM where there is one (Windows knows Ctrl-Break instead). One Ctrl-C
 * comes more than once where those that started this process hand it on too.
 */
export function onStopSignal(stop: () => void): void {
  let isStopping = false;
  const stopOnce = () => {
    if (!isStopping) stop();
    isStopping = true;
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, stopOnce);
}
