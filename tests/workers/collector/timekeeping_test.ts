import assert from "node:assert/strict";
import { connectBridge } from "../../../lib/bridge/client.ts";
import type { BarRequest, ServerZone, SourceBar, SourceEvent } from "../../../lib/bridge/feed.ts";
import { pause } from "../../../lib/program/pause.ts";
import { isFxWeekOpen } from "../../../lib/time/fx_week.ts";
import { toServerMs, toUtcMs } from "../../../lib/time/server_zone.ts";
import type { Source } from "../../../bridge/source.ts";
import { collectorEvents } from "../../../workers/collector/events.ts";
import { ClockUnknown, Timekeeping } from "../../../workers/collector/timekeeping.ts";
import { startBridge } from "../../support/bridge_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const HOUR_MS = 3_600_000;
const NEW_YORK_7: ServerZone = { zone: "America/New_York", shiftMs: 7 * HOUR_MS };

/** A terminal whose clock nobody states: it stamps its ticks with a zone of its own. */
class Terminal implements Source {
  readonly name = "mt5:Broker-Live";
  readonly kind = "raw";
  readonly clock = "learned";
  zone = NEW_YORK_7;
  /** Its newest tick is of Friday, however long one watches. */
  frozen = false;
  barsAsked = 0;

  symbols() {
    return Promise.resolve([{ symbol: "EURUSD", rawName: "EURUSDm", digits: 5 }]);
  }
  async specs() {
    return (await this.symbols()).map((symbol) => ({ ...symbol, fields: {} }));
  }
  account() {
    return Promise.resolve({ id: "1", server: "Broker-Live", currency: "EUR" });
  }

  bars({ fromServerMs, toServerMs: toMs }: BarRequest): Promise<SourceBar[]> {
    this.barsAsked++;
    const bars: SourceBar[] = [];
    const first = Math.ceil(fromServerMs / HOUR_MS) * HOUR_MS;
    for (let openServerMs = first; openServerMs < toMs; openServerMs += HOUR_MS) {
      const utcMs = toUtcMs(openServerMs, this.zone);
      if (!isFxWeekOpen(utcMs) || utcMs > Date.now() - HOUR_MS) continue;
      bars.push({ openServerMs, open: 1, high: 1, low: 1, close: 1, tickVolume: 1 });
    }
    return Promise.resolve(bars);
  }

  async *stream(_: unknown, signal: AbortSignal): AsyncGenerator<SourceEvent> {
    yield { type: "live" };
    while (!signal.aborted) {
      const nowUtcMs = Date.now();
      yield {
        type: "present",
        nowUtcMs,
        watermarkUtcMs: nowUtcMs,
        newestServerMs: this.frozen ? null : toServerMs(nowUtcMs - 40, this.zone),
      };
      await pause(20, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function timekeepingOf(dataDir: string, brokerTz?: ServerZone): Timekeeping {
  const events = collectorEvents();
  return new Timekeeping({ dataDir, brokerTz, clockApartMs: 60, clockClosedApartMs: 60, events });
}

async function settled(
  terminal: Terminal,
  time: Timekeeping,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  await using bridge = await startBridge(terminal);
  const where = { host: "127.0.0.1", port: bridge.port };
  await using connection = await connectBridge({ ...where, signal });
  await time.settle(connection, { symbols: await connection.symbols(), signal });
}

Deno.test("a server's clock is learned from live ticks and the openings of its weeks, and is kept", async () => {
  await using folder = await tempFolder();
  const terminal = new Terminal();
  const time = timekeepingOf(folder.path);
  await settled(terminal, time);
  assert.equal(time.verdict?.state, "known");
  assert.equal(time.rule, "America/New_York+7h");
  const summerMs = Date.UTC(2026, 6, 1, 12), winterMs = Date.UTC(2026, 0, 5, 12);
  assert.equal(time.toUtcMs(summerMs + 3 * HOUR_MS), summerMs);
  assert.equal(time.toServerMs(winterMs), winterMs + 2 * HOUR_MS);

  const asked = terminal.barsAsked;
  const again = timekeepingOf(folder.path);
  terminal.frozen = true;
  await settled(terminal, again);
  assert.equal(again.rule, "America/New_York+7h");
  assert.equal(terminal.barsAsked, asked);
});

Deno.test("a frozen terminal without history teaches nothing, and nothing is converted", async () => {
  await using folder = await tempFolder();
  const terminal = Object.assign(new Terminal(), { frozen: true });
  terminal.bars = () => Promise.reject(new Error("no history"));
  const time = timekeepingOf(folder.path);
  await assert.rejects(settled(terminal, time, AbortSignal.timeout(700)));
  assert.equal(time.verdict?.state, "unknown");
  assert.throws(() => time.toUtcMs(Date.now()), ClockUnknown);
});

Deno.test("the operator's word holds without any evidence", async () => {
  await using folder = await tempFolder();
  const terminal = Object.assign(new Terminal(), { frozen: true });
  const time = timekeepingOf(folder.path, { zone: "Asia/Tokyo", shiftMs: 0 });
  await settled(terminal, time);
  assert.equal(time.verdict?.state, "override");
  assert.equal(terminal.barsAsked, 0);
  assert.equal(time.toUtcMs(9 * HOUR_MS), 0);
});

Deno.test("stamps that contradict what was learned stop the capture, and rewrite nothing", async () => {
  await using folder = await tempFolder();
  const time = timekeepingOf(folder.path);
  await settled(new Terminal(), time);
  const shifted = { zone: "UTC", shiftMs: -5 * HOUR_MS };
  const present = (nowUtcMs: number) => ({
    type: "present" as const,
    nowUtcMs,
    watermarkUtcMs: nowUtcMs,
    newestServerMs: toServerMs(nowUtcMs, shifted),
  });
  // The next Wednesday: at a weekend it would take half an hour.
  const noon = Temporal.Now.plainDateISO("UTC").toZonedDateTime({ timeZone: "UTC" }).add({
    hours: 12,
  });
  const nowUtcMs = noon.add({ days: (10 - noon.dayOfWeek) % 7 || 7 }).epochMilliseconds;
  // One such stamp is a doubt, and enough to stop; a minute of them is a contradiction.
  for (let second = 0; second < 90; second += 10) {
    await assert.rejects(time.observe(present(nowUtcMs + second * 1000)), ClockUnknown);
  }
  assert.equal(time.verdict?.state, "contradicted");
  const ledger = await Deno.readTextFile(`${folder.path}/metadata/server_clock.json`);
  assert.match(ledger, /America\/New_York/);
});
