import { cycleId, type Day, dayOf, startOfDayMs } from "../../../lib/capture/day_path.ts";
import { readManifest } from "../../../lib/capture/manifest.ts";
import type { CaptureLog } from "../../../lib/capture/additions/refusal.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { pause } from "../../../lib/program/pause.ts";
import type { DataKind } from "../../../lib/program/shared_settings.ts";
import { auditDay } from "./audit_day.ts";
import { readAudit, type TickAudit, writeAudit } from "./audit_record.ts";
import { type AuditAt, DEFAULT_AUDIT_AT } from "./config.ts";
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
const IDLE_LOOK_MS = 1_000;
/** A bridge that is away, or a terminal that is loading, is there again by then. */
const RETRY_MS = 30 * 60_000;
/** After an outage a day is sealed late; terminals keep their ticks for longer. */
const BACK_DAYS = 7;

/**
 * Audits yesterday's sealed days once a night, one symbol at a time, beside the capture, and then
 * those of the week before it that have not been: a writer that was not running then does so when it
 * starts. What was found, also by the command line, goes to health. Disposing ends it after the step
 * in hand.
 */
export class NightlyAudit implements AsyncDisposable {
  readonly #options: NightlyOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Symbols by day, and when they are looked at again; the same of whole earlier days. */
  readonly #retryAtMs = new Map<Day, Map<string, number>>();
  readonly #lookAtMs = new Map<Day, number>();
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
        if (this.#isDue(nowMs)) await this.#auditWeek(dayOf(nowMs) - 1);
        await this.#tellHealth(dayOf(nowMs) - 1);
      } catch (cause) {
        if (signal.aborted) return;
        // A bridge that is away all day is told once.
        if (messageOf(cause) !== this.#said) events.auditFailed(cause);
        this.#said = messageOf(cause);
      }
      // A writer that has just started holds its symbols a moment later.
      const isIdle = this.#options.symbols().length === 0;
      await pause(isIdle ? Math.min(lookEveryMs, IDLE_LOOK_MS) : lookEveryMs, signal);
    }
  }

  #isDue(nowMs: number): boolean {
    const { auditAt, kind } = this.#options;
    const at = auditAt ?? (kind === "raw" ? DEFAULT_AUDIT_AT : "off");
    return at !== "off" && nowMs >= startOfDayMs(dayOf(nowMs)) + at;
  }

  async #auditWeek(yesterday: Day): Promise<void> {
    for (const days of [this.#retryAtMs, this.#lookAtMs]) {
      for (const day of days.keys()) if (day <= yesterday - BACK_DAYS) days.delete(day);
    }
    await this.#auditAll(yesterday);
    const { retryMs = RETRY_MS, symbols } = this.#options;
    for (let day = yesterday - 1; day > yesterday - BACK_DAYS; day--) {
      if (symbols().length === 0 || performance.now() < (this.#lookAtMs.get(day) ?? 0)) continue;
      this.#lookAtMs.set(day, performance.now() + retryMs);
      await this.#auditAll(day);
    }
  }

  async #auditAll(day: Day): Promise<void> {
    const { dataDir, symbols, retryMs = RETRY_MS } = this.#options;
    const retryAtMs = this.#retryAtMs.get(day) ?? new Map<string, number>();
    this.#retryAtMs.set(day, retryAtMs);
    const isPending = (symbol: string) => performance.now() >= (retryAtMs.get(symbol) ?? 0);
    const sealed: string[] = [];
    for (const symbol of symbols().filter(isPending)) {
      // A day that is not sealed yet has no manifest, and is looked for again at the next look.
      const manifest = await readManifest(dataDir, cycleId(symbol, { day, part: 0 }));
      if (manifest !== undefined) sealed.push(symbol);
    }
    for (const symbol of sealed) retryAtMs.set(symbol, performance.now() + retryMs);
    for (const symbol of sealed) {
      if (this.#stop.signal.aborted) return;
      // Another writer may have taken it meanwhile.
      if (!symbols().includes(symbol)) continue;
      if (await this.#audit(symbol, day)) retryAtMs.set(symbol, Infinity);
    }
  }

  /** Whether it is done. Rejects when there is no use in asking for others either: no bridge. */
  async #audit(symbol: string, day: Day): Promise<boolean> {
    const { dataDir, log, events, sealed } = this.#options;
    const { signal } = this.#stop;
    // A record that cannot be read is made again.
    const before = await readAudit(dataDir, symbol, day).catch(() => undefined);
    if (before !== undefined && isDone(before)) return true;
    const vendors = this.#vendors ??= await this.#options.vendors(signal);
    await vendors.check();
    const audit = await auditDay({ dataDir, symbol, day, vendors, log, dryRun: false, signal });
    // The same trouble again is no news.
    if (audit.outcome !== "compared" && audit.reason === before?.reason) return false;
    await writeAudit(dataDir, audit, day);
    if (audit.written !== null) sealed?.(audit.written.path);
    events.audited(audit);
    this.#said = "";
    return isDone(audit);
  }

  /** Of two nights: what was found yesterday is known until tonight's audits are there. */
  async #tellHealth(yesterday: Day): Promise<void> {
    const { dataDir, symbols, health } = this.#options;
    const audits: TickAudit[] = [];
    for (const symbol of symbols()) {
      for (const day of [yesterday - 1, yesterday]) {
        // One that cannot be read says nothing of the others; `verify` names it.
        const audit = await readAudit(dataDir, symbol, day).catch(() => undefined);
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
