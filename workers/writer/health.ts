import type { ComponentReport, Level } from "../../lib/log/channel.ts";
import type { Description } from "../../lib/program/beat.ts";
import { messageOf } from "../../lib/program/errors.ts";
import type { TickAudit } from "./audit/audit_record.ts";
import { judgeAudits } from "./audit/judge_audits.ts";
import type { Captures } from "./captures.ts";
import { diskSpace } from "./disk_space.ts";
import type { SymbolCapture } from "./symbol_capture.ts";

/** Free space changes slowly, and asking a network disk may take long. */
const DISK_EVERY_MS = 10_000;
const CYCLES_REMEMBERED = 100;

export interface HealthOptions {
  readonly dataDir: string;
  readonly minFreeGb: number;
  readonly maxUsedPercent: number;
  readonly degradedBacklog: number;
  readonly criticalBacklog: number;
  /** Who makes copies of sealed files, if anybody. */
  readonly copies?: { readonly trouble: string } | undefined;
}

/** What the writer says of itself, from what it has just done. */
export class WriterHealth {
  readonly #options: HealthOptions;
  /** The outcomes of the last flushes and sealings, oldest first. */
  readonly #cycles: boolean[] = [];
  #backlog: number | undefined;
  /** What there was at both of the last two looks: a burst that is gone in a second is no trouble. */
  #lastingBacklog = 0;
  #logProblem = "";
  #disk: ComponentReport | undefined;
  #diskAtMs = -Infinity;
  #captures: readonly SymbolCapture[] = [];
  #untakeable: ReadonlyMap<string, string> = new Map();
  #audits: ReturnType<typeof judgeAudits>;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  cycle(succeeded: boolean): void {
    this.#cycles.push(succeeded);
    if (this.#cycles.length > CYCLES_REMEMBERED) this.#cycles.shift();
  }

  /** What the audits of the last two nights found. */
  audited(audits: readonly TickAudit[]): void {
    this.#audits = judgeAudits(audits);
  }

  logReached(backlog: number, captures: Pick<Captures, "all" | "untakeable">): void {
    this.#lastingBacklog = Math.min(backlog, this.#backlog ?? 0);
    this.#backlog = backlog;
    this.#captures = [...captures.all()];
    this.#untakeable = new Map(captures.untakeable);
    this.#logProblem = "";
  }

  logUnavailable(cause: unknown): void {
    this.#logProblem = messageOf(cause);
  }

  async describe(): Promise<Description> {
    if (this.#backlog === undefined && this.#logProblem === "") {
      return { status: "starting: the log has not answered yet", level: "unknown", components: {} };
    }
    const dataQuality = this.#dataQuality();
    const components = {
      queue: this.#queue(),
      filesystem: await this.#filesystem(),
      ...(dataQuality === undefined ? {} : { data_quality: dataQuality }),
    };
    const level = worst(Object.values(components).map(({ status }) => status));
    const capturing = this.#inState("capturing").length;
    return {
      status: `${capturing} of ${this.#captures.length} symbols captured, backlog ${
        this.#backlog ?? "unknown"
      }`,
      level,
      components,
    };
  }

  #queue(): ComponentReport {
    const { degradedBacklog, criticalBacklog } = this.#options;
    const value = this.#backlog ?? null, threshold = degradedBacklog;
    const report = (status: Level, message: string) => ({ status, value, threshold, message });
    const stopped = this.#inState("stopped"), waiting = this.#inState("waiting");
    if (stopped.length > 0) return report("critical", reasons(stopped));
    if (this.#logProblem !== "" || this.#backlog === undefined) {
      return report("degraded", this.#logProblem);
    }
    if (this.#lastingBacklog > criticalBacklog) {
      return report("critical", "the writer falls behind");
    }
    if (waiting.length > 0) return report("degraded", reasons(waiting));
    if (this.#lastingBacklog >= degradedBacklog) {
      return report("degraded", "the writer falls behind");
    }
    return report("healthy", `${this.#backlog} ticks not yet on the disk`);
  }

  async #filesystem(): Promise<ComponentReport> {
    const untakeable = [...this.#untakeable].map(([symbol, reason]) => ({ symbol, reason }));
    const failing = [...this.#inState("failing"), ...untakeable];
    if (failing.length > 0) {
      return { status: "critical", value: null, threshold: null, message: reasons(failing) };
    }
    if (performance.now() - this.#diskAtMs > DISK_EVERY_MS || this.#disk === undefined) {
      this.#disk = await diskSpace(this.#options);
      this.#diskAtMs = performance.now();
    }
    return this.#disk;
  }

  /** `undefined` while there is no cycle and no audit to judge. */
  #dataQuality(): ComponentReport | undefined {
    const cycles = this.#judgeCycles(), audits = this.#audits;
    if (audits === undefined) return cycles;
    if (cycles === undefined) return { ...audits, value: null, threshold: null };
    const status = worst([cycles.status, audits.status]);
    return { ...cycles, status, message: `${cycles.message}; ${audits.message}` };
  }

  #judgeCycles(): ComponentReport | undefined {
    const cycles = this.#cycles.length, threshold = 95;
    if (cycles === 0) return undefined;
    const succeeded = this.#cycles.filter((outcome) => outcome).length;
    const value = 100 * succeeded / cycles;
    const status = value >= threshold ? "healthy" : succeeded === 0 ? "critical" : "degraded";
    // A copy that is missing is no loss, so it is said and nothing more.
    const trouble = this.#options.copies?.trouble ?? "";
    const message = `${succeeded} of the last ${cycles} succeeded`;
    return { status, value, threshold, message: trouble ? `${message}; ${trouble}` : message };
  }

  #inState(state: SymbolCapture["state"]): SymbolCapture[] {
    return this.#captures.filter((capture) => capture.state === state);
  }
}

/** At most three by name: one full disk concerns all symbols. */
function reasons(captures: readonly Pick<SymbolCapture, "symbol" | "reason">[]): string {
  const named = captures.slice(0, 3).map(({ symbol, reason }) => `${symbol}: ${reason}`);
  const more = captures.length - named.length;
  return named.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

/** Unknown counts as degraded. */
function worst(levels: readonly Level[]): Level {
  if (levels.includes("critical")) return "critical";
  return levels.every((level) => level === "healthy") ? "healthy" : "degraded";
}
