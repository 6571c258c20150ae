import {
  type DriverMessage,
  driverMessage,
  LIVE_STREAM,
} from "../../bridge/driver/driver_messages.ts";
import {
  CONTROL_FRAME,
  decodeControl,
  decodeTicks,
  FrameReader,
  FrameWriter,
} from "../../lib/bridge/frames.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { until } from "./until.ts";

export interface StartDriver {
  readonly python: string;
  /** The driver's file. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Page {
  readonly ticks: Ticks;
  readonly nextServerMs: number | null;
  readonly waitMs?: number;
}

type Answer = Exclude<DriverMessage, { type: "beat" | "present" | "feed" | "lost" }>;
type Ended<Type extends Answer["type"]> = Extract<Answer, { type: Type }>;

/** A request that the driver answered with `failed`. */
export class DriverFailure extends Error {
  readonly failed: Ended<"failed">;

  constructor(failed: Ended<"failed">) {
    super(`${failed.code}: ${failed.message}`);
    this.failed = failed;
  }
}

/**
 * A real driver process on a pipe, without the bridge. Every control frame is checked against
 * `bridge/driver_messages.ts`; a frame that is none rejects what is waited for.
 */
export class DriverClient implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers = new Map<number, (message: Answer) => void>();
  readonly #reading: Promise<void>[];
  #nextId = 1;
  #beatAt = performance.now();
  #broken: unknown;
  #ended: Deno.CommandStatus | undefined;
  /** What came without being asked, in its order. */
  readonly said: DriverMessage[] = [];
  /** By raw name: the index of the last `watch`, and the live ticks in the order in which they came. */
  readonly #watched = new Map<string, { index: number; live: Ticks[]; pages: number[] }>();
  readonly #pages = new Map<number, { rawName: string; parts: Ticks[] }>();
  stderr = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#writer = child.stdin.getWriter();
    this.#reading = [this.#readFrames(), this.#readStderr()];
    child.status.then((status) => this.#ended = status);
  }

  static start({ python, script, env }: StartDriver): DriverClient {
    const child = new Deno.Command(python, {
      args: ["-u", script],
      // Nothing is left beside the sources.
      env: { PYTHONDONTWRITEBYTECODE: "1", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new DriverClient(child);
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  /** Resolves when all that the driver wrote has been taken in; a driver that was killed may tear. */
  get ended(): Promise<unknown> {
    return Promise.allSettled(this.#reading);
  }

  get sinceBeatMs(): number {
    return performance.now() - this.#beatAt;
  }

  /** Sends a request and resolves with its last answer. @throws DriverFailure */
  async ask<Type extends Answer["type"]>(
    type: Type,
    request: { type: string } & Record<string, unknown>,
    parts: (part: Answer) => void = () => {},
  ): Promise<Ended<Type> & { id: number }> {
    const id = this.#nextId++;
    const answered = new Promise<Answer>((resolve) => {
      this.#answers.set(id, (message) => {
        if ("last" in message && !message.last) parts(message);
        else resolve(message);
      });
    });
    try {
      await this.send({ ...request, id });
      const answer = await this.#orEnd(answered);
      if (answer.type === "failed") throw new DriverFailure(answer);
      if (answer.type !== type) {
        throw new Error(`Cannot take an answer as ${type}: current type is ${answer.type}`);
      }
      return answer as Ended<Type>; // the type was compared
    } finally {
      this.#answers.delete(id);
    }
  }

  async send(message: unknown): Promise<void> {
    const writer = new FrameWriter();
    writer.control(message);
    await this.#writer.write(writer.take());
  }

  open(settings: Record<string, unknown>): Promise<Ended<"opened">> {
    return this.ask("opened", { type: "open", settings });
  }

  async watch(...rawNames: string[]): Promise<void> {
    const symbols = rawNames.map((rawName, index) => ({ rawName, index }));
    for (const { rawName, index } of symbols) {
      this.#watched.set(rawName, { index, live: [], pages: [] });
    }
    await this.ask("watching", { type: "watch", symbols });
  }

  /**
   * One page as the driver answers it, with its ticks.
   */
  async page(rawName: string, fromServerMs: number | "now"): Promise<Page> {
    const id = this.#nextId;
    const parts: Ticks[] = [];
    this.#pages.set(id, { rawName, parts });
    try {
      const { nextServerMs, waitMs } = await this.ask("page", {
        type: "page",
        rawName,
        fromServerMs,
      });
      const ticks = Ticks.concat(parts);
      return { ticks, nextServerMs, ...(waitMs === undefined ? {} : { waitMs }) };
    } finally {
      this.#pages.delete(id);
    }
  }

  /** Pages up to the present, asking again as often as the driver wants. */
  async history(rawName: string, fromServerMs: number): Promise<Ticks> {
    const parts: Ticks[] = [];
    for (let from = fromServerMs;;) {
      const { ticks, nextServerMs, waitMs } = await this.page(rawName, from);
      parts.push(ticks);
      if (waitMs !== undefined) await new Promise((resolve) => setTimeout(resolve, waitMs));
      else if (nextServerMs === null) return Ticks.concat(parts);
      else from = nextServerMs;
    }
  }

  /**
   * Live ticks that came after the last page that reached the present, as its reader sees them; or
   * after the nth of them.
   */
  live(rawName: string, page?: number): Ticks {
    return Ticks.concat(this.#liveParts(rawName, page));
  }

  liveCount(rawName: string, page?: number): number {
    return this.#liveParts(rawName, page).reduce((sum, part) => sum + part.count, 0);
  }

  #liveParts(rawName: string, page?: number): Ticks[] {
    const { live, pages } = this.#watched.get(rawName) ?? { live: [], pages: [] };
    return live.slice(pages.at(page ?? -1) ?? 0);
  }

  saidOf<Type extends DriverMessage["type"]>(type: Type): Extract<DriverMessage, { type: Type }>[] {
    return this.said.filter((message): message is Extract<DriverMessage, { type: Type }> =>
      message.type === type
    );
  }

  /** Until the condition holds; rejects when the driver ended or said what is no message. */
  async until(condition: () => boolean, timeoutMs = 20_000): Promise<void> {
    await until(() => {
      if (this.#broken !== undefined || this.#ended !== undefined) return true;
      return condition();
    }, { timeoutMs, intervalMs: 10 });
    if (this.#broken !== undefined) throw this.#broken;
    if (!condition()) throw this.#over();
  }

  kill(): void {
    if (this.#ended === undefined) this.#child.kill("SIGKILL");
  }

  /** Ends the driver's stdin, as a bridge that is gone. */
  async endInput(): Promise<void> {
    await this.#writer.close();
  }

  /** In order: asks the driver to close, and resolves with how it ended. */
  async close(): Promise<Deno.CommandStatus> {
    await this.send({ type: "close" });
    return await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    this.kill();
    await this.#child.status;
    await Promise.allSettled(this.#reading);
  }

  async #orEnd<Value>(wanted: Promise<Value>): Promise<Value> {
    const end = this.#child.status.then(async () => {
      await Promise.allSettled(this.#reading);
      // What was written before the end still counts.
      await new Promise((resolve) => setTimeout(resolve));
      throw this.#broken ?? this.#over();
    });
    return await Promise.race([wanted, end]);
  }

  #over(): Error {
    const how = this.#ended?.signal ?? this.#ended?.code;
    return new Error(`Cannot go on with the driver: current end is ${how}\n${this.stderr}`);
  }

  async #readFrames(): Promise<void> {
    const frames = new FrameReader();
    try {
      for await (const bytes of this.#child.stdout) {
        frames.push(bytes);
        for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
          if (frame.type === CONTROL_FRAME) {
            this.#control(driverMessage.parse(decodeControl(frame.payload)));
          } else {
            this.#ticks(decodeTicks(frame.payload));
          }
        }
      }
      if (frames.half) {
        throw new Error("Cannot read the driver's last frame: current end is inside");
      }
    } catch (cause) {
      this.#broken = cause;
      this.kill();
    }
  }

  #control(message: DriverMessage): void {
    switch (message.type) {
      case "beat":
        this.#beatAt = performance.now();
        return;
      case "present":
      case "feed":
      case "lost":
        this.said.push(message);
        return;
      case "page":
        if (message.nextServerMs === null && message.waitMs === undefined) {
          const watched = this.#watched.get(this.#pages.get(message.id)?.rawName ?? "");
          watched?.pages.push(watched.live.length);
        }
    }
    const answered = this.#answers.get(message.id);
    if (answered === undefined) {
      throw new Error(`Cannot match an answer to a request: current id is ${message.id}`);
    }
    answered(message);
  }

  #ticks({ stream, symbolIndex, ticks }: ReturnType<typeof decodeTicks>): void {
    if (stream !== LIVE_STREAM) {
      const page = this.#pages.get(stream);
      if (page === undefined) {
        throw new Error(`Cannot match ticks to a page: current stream is ${stream}`);
      }
      page.parts.push(ticks);
      return;
    }
    for (const watched of this.#watched.values()) {
      if (watched.index === symbolIndex) watched.live.push(ticks);
    }
  }

  async #readStderr(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.stderr += text;
    }
  }
}
