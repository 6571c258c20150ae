import { type Checkpoint, LogUnavailable, type Segment } from "../../lib/log/tick_log.ts";
import { compareIds, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import { recordHole } from "../../lib/capture/gaps.ts";
import { TickRowEncoder } from "../../lib/capture/tick_row_encoder.ts";
import { failPoint } from "../../lib/program/fail_point.ts";
import { BackOff, pause } from "../../lib/program/pause.ts";
import { CaptureStopped } from "./capture_stopped.ts";
import { claimFolder } from "./folder_claim.ts";
import { Gathering } from "./gathering.ts";
import { isEverythingSealed } from "./once.ts";
import { Sealing } from "./sealing.ts";
import type { SymbolCapture } from "./symbol_capture.ts";
import type { WriteOptions } from "./write_options.ts";

const READER = "writer";
/** How often new symbols, other writers, the log's checkpoints and failed disks are looked at. */
const SURVEY_MS = 1000;

/**
 * Writes the log to files until the signal aborts: then what the log holds at that moment is still
 * written and committed, and everything is closed. Rejects on what no retry can mend.
 */
export async function writeTicks(options: WriteOptions): Promise<void> {
  using loop = new WriteLoop(options);
  await loop.run();
  await loop.drain();
}

class WriteLoop implements Disposable {
  readonly #options: WriteOptions;
  readonly #encoder = new TickRowEncoder();
  readonly #gathering: Gathering;
  readonly #sealing: Sealing;
  readonly #backOff = new BackOff({ minMs: 50, maxMs: 2000 });
  /** On the disk, and the log has not been told yet. */
  readonly #uncommitted = new Map<string, TickId>();
  #checkpoints = new Map<string, Checkpoint>();
  #epoch: string | undefined;
  #surveyAtMs = 0;

  constructor(options: WriteOptions) {
    this.#options = options;
    this.#gathering = new Gathering(options);
    this.#sealing = new Sealing(options);
  }

  async run(): Promise<void> {
    const { signal, once } = this.#options;
    while (!signal.aborted) {
      const isOver = await this.#whileLogAnswers(async () => {
        await this.#commit();
        if (performance.now() >= this.#surveyAtMs) {
          await this.#survey();
          if (once && await this.#isOver()) return true;
        }
        await this.#flush(await this.#gathering.next(this.#surveyAtMs));
        return false;
      });
      if (isOver) return;
    }
  }

  /** Writes what the log held when the drain began, by the deadline. */
  async drain(): Promise<void> {
    const { log, captures, drainMs, events } = this.#options;
    const deadlineMs = performance.now() + drainMs * 0.8;
    let goal: Map<string, Checkpoint> | undefined;
    const isBehind = ({ symbol, position, state }: SymbolCapture) =>
      state === "capturing" &&
      compareIds(position, goal?.get(symbol)?.lastId ?? NO_TICK) < 0;
    while (performance.now() < deadlineMs) {
      const isDone = await this.#whileLogAnswers(async () => {
        await this.#commit();
        goal ??= await log.checkpoints();
        if (!captures.capturing().some(isBehind)) return true;
        await this.#flush(await this.#gathering.rest());
        return false;
      });
      if (isDone) return;
    }
    events.undrained(captures.capturing().filter(isBehind).map(({ symbol }) => symbol));
  }

  [Symbol.dispose](): void {
    this.#options.captures[Symbol.dispose]();
  }

  async #whileLogAnswers(turn: () => Promise<boolean>): Promise<boolean> {
    try {
      const result = await turn();
      this.#backOff.reset();
      this.#options.events.logReached();
      return result;
    } catch (cause) {
      if (!(cause instanceof LogUnavailable)) throw cause;
      this.#gathering.forget();
      this.#options.events.logUnavailable(cause);
      this.#options.health.logUnavailable(cause);
      await pause(this.#backOff.next(), this.#options.signal);
      return false;
    }
  }

  /** Appends, syncs, commits and publishes what was gathered, then seals the days it completed. */
  async #flush(segments: readonly Segment[]): Promise<void> {
    if (segments.length === 0) return;
    const { captures, channel, events, health, flushTicks } = this.#options;
    const startedMs = performance.now();
    const ticksBySymbol = new Map<string, number>();
    const failed = new Map<SymbolCapture, unknown>();
    for (const segment of segments) {
      const capture = captures.get(segment.symbol);
      if (capture === undefined || failed.has(capture)) continue;
      try {
        await capture.append(segment, this.#encoder);
        const before = ticksBySymbol.get(segment.symbol) ?? 0;
        ticksBySymbol.set(segment.symbol, before + segment.ticks.count);
      } catch (cause) {
        failed.set(capture, cause);
      }
    }
    const written = [...ticksBySymbol.keys()].flatMap((symbol) => captures.get(symbol) ?? []);
    const total = segments.reduce((sum, { ticks }) => sum + ticks.count, 0);
    // While the disk works, the next group is read already.
    if (total >= flushTicks && failed.size === 0) this.#gathering.readAhead();
    await Promise.all(
      written.filter((capture) => !failed.has(capture)).map(async (capture) => {
        try {
          await capture.sync();
          this.#uncommitted.set(capture.symbol, capture.position);
        } catch (cause) {
          failed.set(capture, cause);
        }
      }),
    );
    for (const [capture, cause] of failed) {
      ticksBySymbol.delete(capture.symbol);
      await this.#fail(capture, cause);
    }
    events.news();
    health.cycle(failed.size === 0);
    await this.#commit();
    events.flushed(ticksBySymbol, (performance.now() - startedMs) / 1000);
    const ticks = [...ticksBySymbol.values()].reduce((sum, count) => sum + count, 0);
    if (ticks > 0) channel.publish("committed", { ticks });
    for (const capture of written) await this.#seal(capture, undefined);
  }

  /** Takes the rows back that are not known to be on the disk; the log still holds them. */
  async #fail(capture: SymbolCapture, cause: unknown): Promise<void> {
    this.#gathering.forget();
    try {
      await capture.takeBack();
    } catch {
      // The disk refuses this too: it is done before the next try.
    }
    if (cause instanceof CaptureStopped) {
      capture.pauseAs("stopped", cause.message);
      this.#options.events.stopped(capture.symbol, cause);
    } else {
      capture.pauseAs("failing", cause instanceof Error ? cause.message : String(cause));
      this.#options.events.failing(capture.symbol, cause);
    }
  }

  async #commit(): Promise<void> {
    if (this.#uncommitted.size === 0) return;
    failPoint("writer.commit.before");
    await this.#options.log.commit(READER, this.#uncommitted);
    failPoint("writer.commit.after");
    this.#uncommitted.clear();
  }

  async #survey(): Promise<void> {
    const { log, captures, events, health } = this.#options;
    const epoch = await log.epoch();
    if (this.#epoch !== undefined && epoch !== this.#epoch) {
      events.logReplaced();
      this.#gathering.forget();
      this.#uncommitted.clear();
      for (const capture of captures.all()) capture.state = "new";
    }
    this.#checkpoints = await log.checkpoints();
    await claimFolder(log, {
      folderId: this.#options.folderId,
      // Once: a folder that another writer moved on to later is that writer's.
      adopt: this.#options.adoptFolder && epoch !== this.#epoch,
      symbols: [...this.#checkpoints.keys()],
    });
    this.#epoch = epoch;
    if (await captures.share([...this.#checkpoints.keys()].sort())) this.#gathering.forget();
    const committed = await log.committed(READER);
    for (const capture of captures.all()) {
      await this.#lookAt(capture, committed.get(capture.symbol) ?? NO_TICK);
    }
    const backlog = await log.backlog(READER);
    events.news();
    events.queue(backlog);
    events.holding([...captures.all()]);
    health.logReached([...backlog.values()].reduce((sum, count) => sum + count, 0), captures);
    this.#surveyAtMs = performance.now() + SURVEY_MS;
  }

  /** Starts or mends one symbol as the log's checkpoint and the disk allow now. */
  async #lookAt(capture: SymbolCapture, committed: TickId): Promise<void> {
    const checkpoint = this.#checkpoints.get(capture.symbol);
    if (checkpoint === undefined) return;
    switch (capture.state) {
      case "capturing":
        if (compareIds(checkpoint.lastId, capture.position) < 0) {
          await this.#resume(capture, { checkpoint, committed });
        }
        break;
      case "new":
        await this.#resume(capture, { checkpoint, committed });
        break;
      case "waiting":
        if (compareIds(checkpoint.lastId, capture.position) >= 0) {
          await this.#resume(capture, { checkpoint, committed });
        }
        break;
      case "failing":
        if (capture.isRetryDue) await this.#retry(capture, { checkpoint, committed });
        break;
      case "stopped":
        return;
    }
    if (capture.state === "capturing") await this.#seal(capture, checkpoint);
  }

  async #resume(
    capture: SymbolCapture,
    { checkpoint, committed }: { checkpoint: Checkpoint; committed: TickId },
  ): Promise<void> {
    const { log, acceptGap, dataDir, events } = this.#options;
    this.#gathering.forget();
    try {
      const { recovered, resumption } = await capture.resume(log, {
        checkpoint,
        committed,
        acceptGap,
      });
      if (resumption.outcome === "gap") {
        const { fromMs, toMs } = resumption;
        const symbols = [capture.symbol];
        await recordHole(dataDir, { symbols, fromMs, toMs, reason: "the log no longer held it" });
      }
      events.resumed(capture.symbol, recovered, resumption);
      if (compareIds(recovered.position, committed) > 0) {
        this.#uncommitted.set(capture.symbol, recovered.position);
      }
    } catch (cause) {
      if (cause instanceof LogUnavailable) throw cause;
      await this.#fail(capture, cause);
    }
  }

  async #retry(
    capture: SymbolCapture,
    { checkpoint, committed }: { checkpoint: Checkpoint; committed: TickId },
  ): Promise<void> {
    try {
      await capture.takeBack();
    } catch (cause) {
      return await this.#fail(capture, cause);
    }
    await this.#resume(capture, { checkpoint, committed });
  }

  async #seal(capture: SymbolCapture, checkpoint: Checkpoint | undefined): Promise<void> {
    const known = checkpoint ?? this.#checkpoints.get(capture.symbol);
    const { sealed, failed } = await this.#sealing.sealComplete(capture, known);
    for (let cycle = 0; cycle < sealed; cycle++) this.#options.health.cycle(true);
    if (failed > 0) this.#options.health.cycle(false);
  }

  async #isOver(): Promise<boolean> {
    const committed = await this.#options.log.committed(READER);
    return isEverythingSealed(this.#checkpoints, { captures: this.#options.captures, committed });
  }
}
