import { openChannel } from "../../../lib/log/open_channel.ts";
import type { Channel } from "../../../lib/log/channel.ts";
import { type LogPlace, openLog, openLogReader } from "../../../lib/log/open_log.ts";
import type { TickLog } from "../../../lib/log/tick_log.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";
import { telemetryOf } from "../../../lib/program/events.ts";
import { readSettings, type SettingTexts } from "../../../lib/program/settings.ts";
import type { Assets } from "../../../workers/gateway/assets.ts";
import { gatewaySettings } from "../../../workers/gateway/config.ts";
import { type GatewayEvents, gatewayEvents } from "../../../workers/gateway/events.ts";
import { runGateway } from "../../../workers/gateway/gateway.ts";

/** 2025-12-22T08:00:00Z. */
export const START_MS = 1_766_390_400_000;
export const FEED = "test:server:raw";

export const assets: Assets = new Map([
  ["/", { type: "text/html; charset=utf-8", body: "<!doctype html><title>page</title>" }],
]);

export interface RunningGateway extends AsyncDisposable {
  readonly url: string;
  readonly wsUrl: string;
  readonly events: GatewayEvents;
}

/** A log, in SQLite unless told otherwise, in a folder of its own, the channel of its process, and gateways on free ports. */
export class Rig implements AsyncDisposable {
  readonly dataDir: string;
  log: TickLog;
  readonly channel: Channel;
  #tails = new Map<string, TickId>();
  #nextMs = START_MS;

  readonly #place: LogPlace;

  private constructor(place: LogPlace, log: TickLog) {
    this.#place = place;
    this.dataDir = place.dataDir;
    this.log = log;
    this.channel = openRigChannel(place.dataDir);
  }

  /** @param redisUrl puts the log there instead of into a file. */
  static async open(redisUrl?: string): Promise<Rig> {
    const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_gateway_" });
    const backend = redisUrl === undefined ? "sqlite" : "redis";
    const place: LogPlace = { backend, redisUrl, dataDir, kind: "raw" };
    return new Rig(place, await openLog(place));
  }

  /** Appends ticks one ms apart, bids counting up from `bid`; returns their ids. */
  async append(symbol: string, count: number, bid = 1): Promise<string[]> {
    const ids = await this.appendUnseen(symbol, count, bid);
    this.channel.publish("wake", { epoch: "any" });
    // SQLite answers in the same turn: without a pause a loop of appends would let nobody else run.
    await new Promise((resolve) => setTimeout(resolve, 0));
    return ids;
  }

  /** Appends in the same breath: over SQLite no gateway of this process looks in between. */
  async appendUnseen(symbol: string, count: number, bid = 1): Promise<string[]> {
    const ticks = Ticks.ofLength(count);
    const ids: string[] = [];
    for (let index = 0; index < count; index++) {
      const utcMs = this.#nextMs++;
      ticks.set(index, {
        serverMs: utcMs + 7_200_000,
        bid: bid + index,
        ask: bid + index + 0.5,
        last: NaN,
        volume: 0,
        flags: 6,
      });
      ticks.setUtcMs(index, utcMs);
      ids.push(`${utcMs}-0`);
    }
    const expectedTail = this.#tails.get(symbol) ?? NO_TICK;
    const [result] = await this.log.append([{ symbol, feed: FEED, expectedTail, ticks }]);
    if (result?.outcome !== "appended") {
      throw new Error(`Cannot append: current outcome is ${result?.outcome}`);
    }
    this.#tails.set(symbol, result.lastId);
    return ids;
  }

  /** The log is lost; another one begins in its place. */
  async beginAnew(): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    await Deno.remove(`${this.dataDir}/log`, { recursive: true });
    this.log = await openLog(this.#place);
    this.#tails.clear();
  }

  async gateway(texts: SettingTexts = {}): Promise<RunningGateway> {
    const stop = new AbortController();
    const channel = openRigChannel(this.dataDir);
    const reader = await openLogReader({
      ...this.#place,
      readerPositions: false,
      wake: (listener) => channel.subscribe("wake", listener),
    });
    const events = gatewayEvents(telemetryOf("gateway"));
    const up = Promise.withResolvers<string>();
    const done = runGateway({
      reader,
      channel,
      events,
      settings: readSettings(gatewaySettings, { GATEWAY_PORT: "0", ...texts }),
      dataDir: this.dataDir,
      dataKind: "raw",
      assets,
      signal: stop.signal,
      ready: ({ url }) => up.resolve(url),
    });
    done.catch(up.reject);
    const url = await up.promise;
    return {
      url,
      wsUrl: `${url.replace("http", "ws")}ws`,
      events,
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await done;
        await reader[Symbol.asyncDispose]();
        await channel[Symbol.asyncDispose]();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    await this.channel[Symbol.asyncDispose]();
    await Deno.remove(this.dataDir, { recursive: true });
  }
}

function openRigChannel(dataDir: string): Channel {
  return openChannel({
    embedded: true,
    backend: "sqlite",
    kind: "raw",
    dataDir,
    healthPort: 0,
    role: "program",
  });
}

/** Resolves once the gateway follows the log, so that a test starts from a known place. */
export async function untilReady(gateway: RunningGateway): Promise<void> {
  for (;;) {
    const response = await fetch(`${gateway.url}readyz`);
    await response.body?.cancel();
    if (response.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
