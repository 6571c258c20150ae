import { type Day, dayOf, startOfDayMs } from "../../../lib/capture/day_path.ts";
import type { CaptureLog } from "../../../lib/capture/additions/refusal.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { pause } from "../../../lib/program/pause.ts";
import type { DataKind } from "../../../lib/program/shared_settings.ts";
import { auditDay } from "./audit_day.ts";
import { readAudit, type TickAudit, writeAudit } from "./audit_record.ts";
import { type AuditAt, DEFAULT_AUDIT_AT } from "./config.ts";
import { symbolsOfDay } from "./symbols_of_day.ts";
import type { Vendors } from "./vendors.ts";

export interface NightlyOptions {
  readonly dataDir: string;
  readonly kind: DataKind;
  readonly auditAt: AuditAt | undefined;
  /** The symbols whose lock this writer holds: of several writers one audits each symbol. */
  readonly symbols: () => readonly string[];
  readonly log: CaptureLog;
  /** Asked for when the first audit is due; may reject, and is then asked again. */
  readonly vendors: (signal: AbortSignal) => Promise<Vendors>;
  readonly events: {
    audited(audit: TickAudit): void;
    auditFailed(cause: unknown): void;
  };
  readonly health: { audited(audits: readonly TickAudit[]): void };
  /** Told of each file that was written, relative to the data folder. */
  readonly sealed?: (path: string) => void;
  /** UTC ms; by default the machine's clock. */
  readonly nowMs?: () => number;
  readonly lookEveryMs?: number;
  /** What was not possible is tried again after this. */
  readonly retryMs?: number;
}

/** Seconds of a night matter to nobody. */
const LOOK_EVERY_MS = 60_000;
/** A bridge that is away, or a terminal that is loading, is there again by then. */
const RETRY_MS = 30 * 60_000;

/**
 * Audits yesterday's sealed days once a night, one symbol at a time, beside the capture: a writer
 * that was not running then does so when it starts. What was found, also by the command line, goes
 * to health. Disposing ends it after the step in hand.
 */
export class NightlyAudit implements AsyncDisposable {
  readonly #options: NightlyOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Of one day; then begun anew. */
  #day: Day = -1;
  readonly #done = new Set<string>();
  readonly #retryAtMs = new Map<string, number>();
  #vendors: Vendors | undefined;
  /** The trouble that was told last. */
  #said = "";

  constructor(options: NightlyOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("the writer ends", "AbortError"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { lookEveryMs = LOOK_EVERY_MS, events } = this.#options;
    while (!signal.aborted) {
      try {
        const nowMs = this.#options.nowMs?.() ?? Date.now();
        if (this.#isDue(nowMs)) await this.#auditAll(dayOf(nowMs) - 1);
        await this.#tellHealth(dayOf(nowMs) - 1);
      } catch (cause) {
        if (signal.aborted) return;
        // A bridge that is away all day is told once.
        if (messageOf(cause) !== this.#said) events.auditFailed(cause);
        this.#said = messageOf(cause);
      }
      await pause(lookEveryMs, signal);
    }
  }

  #isDue(nowMs: number): boolean {
    const { auditAt, kind } = this.#options;
    const at = auditAt ?? (kind === "raw" ? DEFAULT_AUDIT_AT : "off");
    return at !== "off" && nowMs >= startOfDayMs(dayOf(nowMs)) + at;
  }

  async #auditAll(day: Day): Promise<void> {
    if (day !== this.#day) {
      this.#day = day;
      this.#done.clear();
      this.#retryAtMs.clear();
    }
    const { dataDir, symbols, retryMs = RETRY_MS } = this.#options;
    const pending = new Set(symbols().filter((symbol) => this.#isPending(symbol)));
    // A day that is not sealed yet has no manifest; it is looked for again.
    for (const symbol of pending) this.#retryAtMs.set(symbol, performance.now() + retryMs);
    if (pending.size === 0) return;
    const sealed = (await symbolsOfDay(dataDir, day)).filter((symbol) => pending.has(symbol));
    for (const symbol of sealed) {
      if (this.#stop.signal.aborted) return;
      // Another writer may have taken it meanwhile.
      if (symbols().includes(symbol)) await this.#audit(symbol, day);
    }
  }

  #isPending(symbol: string): boolean {
    return !this.#done.has(symbol) && performance.now() >= (this.#retryAtMs.get(symbol) ?? 0);
  }

  /** Rejects when there is no use in asking for others either: the bridge is away. */
  async #audit(symbol: string, day: Day): Promise<void> {
    const { dataDir, log, events, sealed } = this.#options;
    const { signal } = this.#stop;
    // A record that cannot be read is made again.
    const before = await readAudit(dataDir, symbol, day).catch(() => undefined);
    if (before !== undefined && isDone(before)) {
      this.#done.add(symbol);
      return;
    }
    const vendors = this.#vendors ??= await this.#options.vendors(signal);
    await vendors.check();
    const audit = await auditDay({ dataDir, symbol, day, vendors, log, dryRun: false, signal });
    if (isDone(audit)) this.#done.add(symbol);
    // The same trouble again is no news.
    if (audit.outcome !== "compared" && audit.reason === before?.reason) return;
    await writeAudit(dataDir, audit, day);
    if (audit.written !== null) sealed?.(audit.written.path);
    events.audited(audit);
    this.#said = "";
  }

  /** Of two nights: what was found yesterday is known until tonight's audits are there. */
  async #tellHealth(yesterday: Day): Promise<void> {
    const { dataDir, symbols, health } = this.#options;
    const audits: TickAudit[] = [];
    for (const symbol of symbols()) {
      for (const day of [yesterday - 1, yesterday]) {
        const audit = await readAudit(dataDir, symbol, day);
        if (audit !== undefined) audits.push(audit);
      }
    }
    health.audited(audits);
  }
}

/** Compared, and everything that could be healed is. */
function isDone({ outcome, unwritten }: TickAudit): boolean {
  return outcome === "compared" && unwritten === 0;
}
