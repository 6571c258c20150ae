import type { Channel } from "../log/channel.ts";
import { type PermissionSet, permissionsOf, type Places, type ProgramName } from "./permissions.ts";
import type { SettingTexts } from "./settings.ts";
import type { StatusPanel } from "./status_panel.ts";
import { Supervised } from "./supervisor.ts";

/** A program that has been silent this long is started anew; health calls it missing before that. */
const SILENT_MS = 15_000;
/** First those who add, then those who write it down, then those who show it. */
const DRAIN_ORDER: readonly (readonly ProgramName[])[] = [
  ["collector"],
  ["bridge", "writer"],
  ["gateway", "health"],
];

export interface EnsembleOptions {
  readonly modules: Readonly<Record<ProgramName, URL>>;
  readonly sets: Readonly<Record<ProgramName, PermissionSet>>;
  readonly texts: SettingTexts;
  readonly places: Places;
  readonly panel: StatusPanel;
  /** Where the programs beat. */
  readonly channel: Channel;
}

/** All programs of one process: started, watched, started again, drained in order. */
export class Ensemble implements Disposable {
  readonly #options: EnsembleOptions;
  readonly #programs = new Map<ProgramName, Supervised>();
  readonly #beatAt = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: EnsembleOptions) {
    const { panel, channel } = options;
    this.#options = options;
    for (const name of ["collector", "writer", "gateway", "health"]) {
      panel.set(name, { level: "unknown", status: "starting" });
    }
    channel.subscribe("beat", ({ program, level, status }) => {
      this.#beatAt.set(program, performance.now());
      panel.set(program, { level, status });
    });
    this.#timer = setInterval(() => {
      panel.draw();
      this.#replaceSilent();
    }, 1_000);
  }

  /** Starts a program; resolves with where it is once it is up, rejects when it cannot start. */
  start(name: ProgramName): Promise<Readonly<Record<string, string>>> {
    const { modules, sets, texts, places, panel } = this.#options;
    const program = new Supervised({
      name,
      url: modules[name],
      permissions: permissionsOf(name, sets[name], places),
      settings: textsOf(sets[name], texts),
      onLog: (line) => panel.print(line),
      onRestart: (why) => panel.print(`${name} ended and is started again: ${why}`),
    });
    this.#programs.set(name, program);
    return program.ready;
  }

  /** Resolves when a program's work is over by itself. */
  async finished(name: ProgramName): Promise<void> {
    await this.#programs.get(name)?.finished;
  }

  /** Lets all finish what they have. */
  async drain(): Promise<void> {
    for (const names of DRAIN_ORDER) {
      await Promise.all(names.map((name) => this.#programs.get(name)?.drain()));
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #replaceSilent(): void {
    for (const [name, program] of this.#programs) {
      const at = this.#beatAt.get(name);
      if (at === undefined || performance.now() - at < SILENT_MS) continue;
      this.#beatAt.delete(name);
      program.replace(`silent for ${SILENT_MS / 1000} s`);
    }
  }
}

/** A program is handed the variables that its permission set names, and no others. */
function textsOf(set: PermissionSet, texts: SettingTexts): Record<string, string> {
  const own: Record<string, string> = {};
  for (const variable of set.env?.allow ?? []) {
    const text = texts[variable];
    if (text !== undefined) own[variable] = text;
  }
  return own;
}
