import { fileURLToPath } from "node:url";
import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import { type Frame, FrameReader, FrameWriter } from "../../lib/bridge/frames.ts";
import { DriverError } from "./driver_error.ts";
import type { DriverRequest } from "./driver_messages.ts";
import type { DriverOutput } from "./driver_stderr.ts";
import { endProcess } from "./end_process.ts";

export interface DriverPipeOptions {
  readonly script: URL | string;
  readonly python: { readonly command: string; readonly args: readonly string[] };
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly output: DriverOutput;
  /** May throw a DriverError, which goes to `onBroken`. */
  readonly onFrame: (frame: Frame) => void;
  /** What comes from the process means nothing any more. Called once. */
  readonly onBroken: (error: DriverError) => void;
}

/** How long a process may live without its stdout, and its pipes without it. */
const PARTING_MS = 1000;

/** A driver's process and its three pipes. stdout is always read, so that live ticks never wait. */
export class DriverPipe {
  readonly #child: Deno.ChildProcess;
  readonly #options: DriverPipeOptions;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #outgoing = new FrameWriter();
  #writes = 0;
  #isWriting = false;
  #stderrBytes = 0;
  /** Resolves when the process is gone and what it had written was read. */
  readonly exited: Promise<Deno.CommandStatus>;

  /** @throws DriverError `missing` when the command cannot be started. */
  constructor(options: DriverPipeOptions) {
    this.#options = options;
    const { command, args } = options.python;
    const { script } = options;
    const path = script instanceof URL ? fileURLToPath(script) : script;
    try {
      this.#child = new Deno.Command(command, {
        args: [...args, path],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
        // A pipe's encoding would else be the code page of the Windows in question.
        env: { PYTHONUTF8: "1", PYTHONIOENCODING: "utf-8", PYTHONUNBUFFERED: "1", ...options.env },
      }).spawn();
    } catch (cause) {
      throw new DriverError(
        "missing",
        `Cannot start ${command} as Python: ${cause instanceof Error ? cause.message : cause}`,
        { cause },
      );
    }
    this.#input = this.#child.stdin.getWriter();
    this.#input.closed.catch(() => {});
    this.exited = this.#live();
  }

  /** Grows with each write that ended; with `isWriting` it tells a write that makes no headway. */
  get writes(): number {
    return this.#writes;
  }

  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** All that came from stderr, logged or not. */
  get stderrBytes(): number {
    return this.#stderrBytes;
  }

  /** Requests wait for the pipe in memory; who asks bounds them. */
  send(request: DriverRequest): void {
    this.#outgoing.control(request);
    if (!this.#isWriting) this.#write();
  }

  /** The process is gone at once, whatever it does. */
  kill(): void {
    endProcess(this.#child);
  }

  /** Asks it to end, and ends it when it has not by then. Resolves when it is gone. */
  async close(limitMs: number): Promise<void> {
    this.send({ type: "close" });
    const late = setTimeout(() => this.kill(), limitMs);
    await this.exited;
    clearTimeout(late);
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#outgoing.bytes > 0) {
        const bytes = this.#outgoing.take();
        await this.#input.write(bytes as Uint8Array<ArrayBuffer>); // a FrameWriter's own memory
        this.#outgoing.written(bytes);
        this.#writes++;
      }
      this.#isWriting = false;
    } catch {
      // The pipe broke, so nothing is ever written again; the exit of the process says why.
    }
  }

  async #live(): Promise<Deno.CommandStatus> {
    const stdout = this.#child.stdout.getReader(), stderr = this.#child.stderr.getReader();
    const reading = Promise.all([this.#readFrames(stdout), this.#readText(stderr)]);
    const status = await this.#child.status;
    // A child of the process may hold the pipes open for longer than it lived.
    const late = setTimeout(() => {
      stdout.cancel().catch(() => {});
      stderr.cancel().catch(() => {});
    }, PARTING_MS);
    await reading;
    clearTimeout(late);
    await this.#input.abort().catch(() => {});
    this.#options.output.end();
    return status;
  }

  async #readFrames(stdout: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const { onFrame, onBroken } = this.#options;
    const frames = new FrameReader();
    let isBroken = false;
    for (;;) {
      const { value, done } = await stdout.read().catch(asEnded);
      if (done) break;
      // It is read to its end all the same: a process that waits for its stdout could not end.
      if (isBroken) continue;
      try {
        frames.push(value);
        for (let frame = frames.next(); frame !== undefined; frame = frames.next()) onFrame(frame);
      } catch (cause) {
        isBroken = true;
        onBroken(badFrames(cause));
      }
    }
    if (isBroken) return;
    const isGone = await Promise.race([
      this.#child.status.then(() => true),
      new Promise<false>((resolve) => {
        const late = setTimeout(() => resolve(false), PARTING_MS);
        this.#child.status.then(() => clearTimeout(late));
      }),
    ]);
    if (!isGone) onBroken(new DriverError("bad_frames", "It closed its stdout and lived on"));
  }

  async #readText(stderr: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    for (;;) {
      const { value, done } = await stderr.read().catch(asEnded);
      if (done) return;
      this.#stderrBytes += value.length;
      this.#options.output.push(value);
    }
  }
}

/** A pipe that broke is one that ended: the exit of the process says why. */
function asEnded(): { readonly value?: never; readonly done: true } {
  return { done: true };
}

function badFrames(cause: unknown): DriverError {
  if (cause instanceof DriverError) return cause;
  if (!(cause instanceof BridgeError)) throw cause;
  return new DriverError(
    "bad_frames",
    `What it writes is no frames: does something print to its stdout? ${cause.message}`,
    { cause },
  );
}
