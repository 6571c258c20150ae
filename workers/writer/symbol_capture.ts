import type { Checkpoint, Segment, TickLogReader } from "../../lib/log/tick_log.ts";
import { compareIds, formatId, nextId, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import { DayFile } from "../../lib/capture/day_file.ts";
import { type Day, dayOf, startOfDayMs, ticksFolder } from "../../lib/capture/day_path.ts";
import { claimMarket } from "../../lib/capture/symbol_market.ts";
import type { Market } from "../../lib/market/universe.ts";
import { syncFolder } from "../../lib/capture/durable_file.ts";
import type { TickRowEncoder } from "../../lib/capture/tick_row_encoder.ts";
import { FolderLock } from "../../lib/program/folder_lock.ts";
import { BackOff } from "../../lib/program/pause.ts";
import { CaptureStopped } from "./capture_stopped.ts";
import { recover, type Recovered } from "./recover.ts";
import { type Resumption, resumption } from "./resume.ts";

/**
 * `capturing`: rows are appended. `waiting`: the log is behind the files. `failing`: the disk refuses;
 * tried again after a pause. `stopped`: a person must look. `new`: not looked at yet.
 */
export type CaptureState = "new" | "capturing" | "waiting" | "failing" | "stopped";

export interface Resumed {
  readonly recovered: Recovered;
  readonly resumption: Resumption;
}

/** One symbol's files under this writer's lock, and how far they are. */
export class SymbolCapture implements Disposable {
  readonly symbol: string;
  /** The folder that its files lie in; it never changes. */
  readonly market: Market;
  state: CaptureState = "new";
  /** Why it is not capturing, for a person; empty while it is. */
  reason = "";
  /** Where the next read begins: everything up to it has been read, and maybe not written. */
  readId: TickId = NO_TICK;
  /** Days whose file is complete and waits to be sealed. */
  readonly #halfSealed = new Set<Day>();
  readonly #dataDir: string;
  readonly #folder: string;
  readonly #lock: FolderLock;
  readonly #files = new Map<Day, DayFile>();
  readonly #unsynced = new Set<DayFile>();
  readonly #retry = new BackOff({ minMs: 500, maxMs: 10_000 });
  #retryAtMs = 0;
  #madeFile = false;
  #appendedId = NO_TICK;
  #position = NO_TICK;

  private constructor(
    symbol: string,
    { dataDir, market, lock }: { dataDir: string; market: Market; lock: FolderLock },
  ) {
    this.symbol = symbol;
    this.market = market;
    this.#dataDir = dataDir;
    this.#folder = `${dataDir}/${ticksFolder(symbol, market)}`;
    this.#lock = lock;
  }

  /** `undefined` while another writer holds the symbol. */
  static async tryTake(dataDir: string, symbol: string): Promise<SymbolCapture | undefined> {
    const market = await claimMarket(dataDir, symbol);
    const folder = `${dataDir}/${ticksFolder(symbol, market)}`;
    const lock = await FolderLock.tryTake(folder, "writer");
    if (lock === undefined) return undefined;
    await syncFolder(`${folder}/..`);
    await syncFolder(`${folder}/../..`);
    return new SymbolCapture(symbol, { dataDir, market, lock });
  }

  /** The id of the last row on the disk. */
  get position(): TickId {
    return this.#position;
  }

  get hasOpenFiles(): boolean {
    return this.#files.size + this.#halfSealed.size > 0;
  }

  /** Whether a pause after a failure is over. */
  get isRetryDue(): boolean {
    return performance.now() >= this.#retryAtMs;
  }

  /**
   * Reads the files and the log's checkpoint and goes on from the last whole row. Files are cut only
   * when the log is known to hold what the cut takes away.
   * @throws CaptureStopped when files and log contradict each other.
   */
  async resume(
    log: TickLogReader,
    { checkpoint, committed, acceptGap }: {
      checkpoint: Checkpoint;
      committed: TickId;
      acceptGap: boolean;
    },
  ): Promise<Resumed> {
    this.#closeFiles();
    const { symbol, market } = this;
    const recovered = await recover({ dataDir: this.#dataDir, symbol, market, committed });
    const next = await resumption(log, { symbol, checkpoint, recovered, acceptGap });
    this.#position = this.#appendedId = this.readId = recovered.position;
    for (const day of recovered.halfSealed) this.#halfSealed.add(day);
    if (next.outcome === "waiting") {
      this.pauseAs("waiting", `the log is behind ${formatId(next.forId)}, the end of the files`);
      return { recovered, resumption: next };
    }
    for (const { day, goodBytes } of recovered.open) {
      if (goodBytes === 0) await Deno.remove(DayFile.pathOf(this.#folder, day));
      else this.#files.set(day, await DayFile.open(this.#folder, day, goodBytes));
    }
    this.state = "capturing";
    this.reason = "";
    return { recovered, resumption: next };
  }

  /** Hands the segment's rows to their days' files. After a throw, `takeBack` must follow. */
  async append(segment: Segment, encoder: TickRowEncoder): Promise<void> {
    const { ticks } = segment;
    let firstId = segment.firstId;
    if (compareIds(firstId, this.#appendedId) <= 0) {
      throw new CaptureStopped(
        `Cannot append ${formatId(firstId)} to ${this.symbol}: current end is ${
          formatId(this.#appendedId)
        }`,
      );
    }
    for (let from = 0; from < ticks.count;) {
      const day = dayOf(firstId.ms);
      const file = this.#files.get(day) ?? await this.#begin(day);
      encoder.clear();
      from = encoder.encode(ticks, { from, firstId, endMs: startOfDayMs(day + 1) });
      this.#unsynced.add(file);
      if (from < ticks.count) firstId = nextId(encoder.lastId, ticks.utcMs(from));
      else if (compareIds(encoder.lastId, segment.lastId) !== 0) {
        throw new CaptureStopped(
          `Cannot append the ticks of ${this.symbol} up to ${
            formatId(segment.lastId)
          }: current ids ` +
            `lead to ${formatId(encoder.lastId)}`,
        );
      }
      file.append(encoder.bytes);
      this.#appendedId = encoder.lastId;
    }
  }

  /** Resolves when everything appended is on the disk. After a rejection, `takeBack` must follow. */
  async sync(): Promise<void> {
    const files = [...this.#unsynced];
    await Promise.all(files.map((file) => file.sync()));
    if (this.#madeFile) await syncFolder(this.#folder);
    this.#madeFile = false;
    this.#unsynced.clear();
    this.#position = this.#appendedId;
    this.#retry.reset();
  }

  /** Cuts what is not known to be on the disk, and captures again from there. */
  async takeBack(): Promise<void> {
    for (const file of this.#unsynced) {
      await file.cut();
      if (file.isUnsynced) await this.#remove(file);
      this.#unsynced.delete(file);
    }
    this.#appendedId = this.readId = this.#position;
    this.state = "capturing";
    this.reason = "";
  }

  pauseAs(state: "waiting" | "failing" | "stopped", reason: string): void {
    this.state = state;
    this.reason = reason;
    this.#retryAtMs = performance.now() + (state === "failing" ? this.#retry.next() : 0);
  }

  /** The complete days, oldest first: those before `openDay`, in which the next tick may still lie. */
  completeDays(openDay: Day): Day[] {
    return [...this.#halfSealed, ...[...this.#files.keys()].filter((day) => day < openDay)]
      .sort((a, b) => a - b);
  }

  /** Closes a day's file before it is sealed: nothing is appended to it any more. */
  finish(day: Day): void {
    this.#files.get(day)?.[Symbol.dispose]();
    this.#files.delete(day);
    this.#halfSealed.add(day);
  }

  /** The day has its final name and its manifest. */
  sealed(day: Day): void {
    this.#halfSealed.delete(day);
  }

  [Symbol.dispose](): void {
    this.#closeFiles();
    this.#lock[Symbol.dispose]();
  }

  async #begin(day: Day): Promise<DayFile> {
    const file = await DayFile.open(this.#folder, day);
    this.#files.set(day, file);
    this.#madeFile = true;
    return file;
  }

  /** A file without a row is no day. */
  async #remove(file: DayFile): Promise<void> {
    file[Symbol.dispose]();
    this.#files.delete(file.day);
    await Deno.remove(file.path);
  }

  #closeFiles(): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
    this.#files.clear();
    this.#unsynced.clear();
    this.#halfSealed.clear();
  }
}
