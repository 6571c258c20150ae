import type { Level } from "../log/channel.ts";

export interface PanelOptions {
  readonly write: (text: string) => void;
  /** On a terminal the lines are redrawn in place; elsewhere they are printed now and then. */
  readonly isTerminal: boolean;
  readonly width: number;
  /** How often unchanged lines are printed where nothing can be redrawn, ms. */
  readonly repeatMs: number;
}

interface Line {
  readonly level: Level;
  readonly status: string;
}

const MARK: Record<Level, string> = { healthy: "ok", degraded: "!", critical: "!!", unknown: "?" };

/** One line a program, for a person, below the log lines. */
export class StatusPanel {
  readonly #options: PanelOptions;
  readonly #lines = new Map<string, Line>();
  #drawn = 0;
  #printedAt = -Infinity;
  #printedLevels = "";

  constructor(options: PanelOptions) {
    this.#options = options;
  }

  set(program: string, line: Line): void {
    this.#lines.set(program, line);
  }

  /** A line that stays, above the panel. */
  print(line: string): void {
    this.#clear();
    this.#options.write(`${line}\n`);
    if (this.#options.isTerminal) this.#drawInPlace();
  }

  /** Shows the lines as they are now; to be called about once a second. */
  draw(): void {
    if (this.#options.isTerminal) {
      this.#clear();
      return this.#drawInPlace();
    }
    const levels = [...this.#lines].map(([name, { level }]) => `${name}:${level}`).join();
    const now = performance.now();
    if (levels === this.#printedLevels && now - this.#printedAt < this.#options.repeatMs) return;
    this.#printedLevels = levels;
    this.#printedAt = now;
    for (const text of this.#texts()) this.#options.write(`${text}\n`);
  }

  #drawInPlace(): void {
    for (const text of this.#texts()) {
      this.#options.write(`${text.slice(0, this.#options.width - 1)}\n`);
      this.#drawn++;
    }
  }

  #clear(): void {
    if (this.#drawn > 0) this.#options.write(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }

  *#texts(): Iterable<string> {
    for (const [program, { level, status }] of this.#lines) {
      yield `${MARK[level].padStart(4)}  ${program.padEnd(10)} ${status}`;
    }
  }
}

/** The panel's options for the terminal of this process. */
export function terminal(): PanelOptions {
  const isTerminal = Deno.stdout.isTerminal(), encoder = new TextEncoder();
  return {
    write: (text) => void Deno.stdout.writeSync(encoder.encode(text)),
    isTerminal,
    // A terminal that is not known to have columns has enough of them.
    width: isTerminal ? Deno.consoleSize().columns || 200 : 200,
    repeatMs: 30_000,
  };
}
