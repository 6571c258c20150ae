import type { ServerZone } from "../../lib/bridge/feed.ts";
import type { Beat, ComponentReport, Level } from "../../lib/log/channel.ts";
import type { TickLog } from "../../lib/log/tick_log.ts";
import { SpillingTickLog } from "../../lib/log/tick_log_spilling.ts";
import { messageOf } from "../../lib/program/errors.ts";
import { toUtcMs } from "../../lib/time/server_zone.ts";
import type { Appending } from "./appending.ts";
import type { Gathering, Group, SourceClock } from "./gathering.ts";

/** Ages of the newest tick, by the source's clock, while the feed is up. */
const DEGRADED_AGE_MS = 60_000, CRITICAL_AGE_MS = 300_000;
/** A feed that is up tells the time each second. */
const SILENT_MS = 5_000;

interface Connected {
  readonly source: string;
  readonly symbols: number;
  readonly zone: ServerZone;
  readonly appending: Appending;
  readonly gathering: Gathering;
}

/** What the collector is doing, as its beats tell it. */
export class Collecting {
  readonly #log: TickLog;
  #connected: Connected | undefined;
  #why = "starting";
  #feed: "down" | "up" = "up";
  #clock: SourceClock | undefined;
  #clockAt = -Infinity;
  #newestUtcMs = 0;
  #ticks = 0;
  #rate = { ticks: 0, at: performance.now(), perSecond: 0 };

  constructor(log: TickLog) {
    this.#log = log;
  }

  connected(connected: Connected): void {
    this.#connected = connected;
    this.#clockAt = performance.now();
    this.#feed = "up";
  }

  disconnected(why: unknown): void {
    this.#connected = undefined;
    this.#why = messageOf(why);
  }

  feed(state: "down" | "up"): void {
    this.#feed = state;
  }

  appended(group: Group, clock: SourceClock | undefined): void {
    this.#ticks += group.count;
    for (const ticks of group.ticks.values()) {
      this.#newestUtcMs = Math.max(this.#newestUtcMs, ticks.utcMs(ticks.count - 1));
    }
    this.#clock = clock;
    this.#clockAt = performance.now();
  }

  /** The source's present in UTC; what the age of a tick is measured against. */
  get nowUtcMs(): number {
    if (this.#clock === undefined || this.#connected === undefined) return Date.now();
    return toUtcMs(this.#clock.nowServerMs, this.#connected.zone);
  }

  describe(): Pick<Beat, "status" | "level" | "components"> {
    const tick_collection = this.#tickCollection();
    const timezone = this.#timezone();
    const { status: level, message: status } = tick_collection;
    const redis = this.#log instanceof SpillingTickLog ? { redis: redisReport(this.#log) } : {};
    return { status, level, components: { tick_collection, timezone, ...redis } };
  }

  #tickCollection(): ComponentReport {
    const perSecond = this.#measureRate();
    const ageMs = this.#newestUtcMs === 0
      ? undefined
      : Math.max(0, this.nowUtcMs - this.#newestUtcMs);
    const report = (status: Level, message: string): ComponentReport => ({
      status,
      value: ageMs === undefined ? null : ageMs / 1000,
      threshold: DEGRADED_AGE_MS / 1000,
      message,
    });
    const connected = this.#connected;
    if (connected === undefined) {
      return report("critical", `not connected to the bridge: ${this.#why}`);
    }
    const blocked = connected.appending.blocked;
    if (blocked !== undefined) {
      return report("critical", `the log takes no ticks (${blocked.reason}): ${blocked.message}`);
    }
    if (this.#feed === "down") return report("critical", "the vendor's feed is down");
    if (performance.now() - this.#clockAt > SILENT_MS) {
      return report("degraded", "the source is silent: neither ticks nor its clock");
    }
    if (ageMs === undefined) return report("unknown", `${connected.symbols} symbols, no tick yet`);
    const shown = `${connected.symbols} symbols, ${perSecond} ticks/s, newest ${
      (ageMs / 1000).toFixed(1)
    } s ago`;
    if (ageMs > CRITICAL_AGE_MS) return report("critical", shown);
    return report(ageMs > DEGRADED_AGE_MS ? "degraded" : "healthy", shown);
  }

  #timezone(): ComponentReport {
    const zone = this.#connected?.zone;
    if (zone === undefined) {
      return { status: "unknown", value: null, threshold: null, message: "no source is connected" };
    }
    const hours = zone.shiftMs / 3_600_000;
    const rule = hours === 0 ? zone.zone : `${zone.zone}${hours > 0 ? "+" : ""}${hours}h`;
    return {
      status: "healthy",
      value: rule,
      threshold: null,
      message: `the source states its clock: ${rule}`,
    };
  }

  #measureRate(): number {
    const now = performance.now(), elapsedMs = now - this.#rate.at;
    if (elapsedMs >= 900) {
      const perSecond = Math.round((this.#ticks - this.#rate.ticks) / elapsedMs * 1000);
      this.#rate = { ticks: this.#ticks, at: now, perSecond };
    }
    return this.#rate.perSecond;
  }
}

/** While Redis is away nothing is lost, but nobody sees the new ticks. */
function redisReport({ spill }: SpillingTickLog): ComponentReport {
  if (spill === undefined) {
    return { status: "healthy", value: 0, threshold: 0, message: "takes what is appended" };
  }
  const since = new Date(spill.sinceMs).toISOString();
  return {
    status: "degraded",
    value: spill.ticks,
    threshold: 0,
    message: `away since ${since}: ${spill.ticks} ticks wait in the journal (${spill.cause})`,
  };
}
