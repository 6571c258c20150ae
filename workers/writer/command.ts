import { messageOf } from "../../lib/program/errors.ts";
import { SettingsError } from "../../lib/program/settings.ts";
import { isDiskFull } from "./disk_full.ts";

/** Arguments that make no sense: the exit code is 2. */
export class UnusableArguments extends Error {
  override readonly name = "UnusableArguments";
}

/** Runs a command and ends the process with its exit code, or with one that says why it failed. */
export async function runCommand(command: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await command());
  } catch (cause) {
    console.error(messageOf(cause));
    if (isDiskFull(cause)) {
      console.error("There is no room on the disk: make room and run it again, and it goes on.");
    }
    Deno.exit(isUnusable(cause) ? 2 : 1);
  }
}

function isUnusable(cause: unknown): boolean {
  if (cause instanceof UnusableArguments || cause instanceof SettingsError) return true;
  // What `parseArgs` throws for an option that it does not know.
  return cause instanceof TypeError && "code" in cause &&
    String(cause.code).startsWith("ERR_PARSE_ARGS");
}

const SHOWN_EVERY_MS = 200;

/** A line that is written over itself, on a terminal only. */
export class ProgressLine implements Disposable {
  readonly #isShown = Deno.stderr.isTerminal();
  #nextMs = 0;

  show(text: () => string): void {
    if (!this.#isShown || performance.now() < this.#nextMs) return;
    this.#nextMs = performance.now() + SHOWN_EVERY_MS;
    this.#write(`\r\x1b[K${text()}`);
  }

  [Symbol.dispose](): void {
    if (this.#isShown) this.#write("\r\x1b[K");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}

export function sizeText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}
