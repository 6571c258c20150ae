import fc from "fast-check";
import assert from "node:assert/strict";
import { ProcessSource, type ProcessSourceOptions } from "../../bridge/source_process.ts";
import type { SourceEvent, TickRequest } from "../../lib/bridge/feed.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import { pause } from "../../lib/program/pause.ts";
import { testSource } from "../contract/source_suite.ts";
import { pythonWithNumpy } from "../support/python.ts";
import { openScripted, type ScriptedSettings } from "../support/scripted_driver.ts";
import { until } from "../support/until.ts";

const ignore = pythonWithNumpy() === undefined;
const FIRST_MS = 1_700_000_000_000;
const STEP_MS = 137;

/** A source that owns its scripted driver. */
class ScriptedSource extends ProcessSource {
  readonly scripted: Awaited<ReturnType<typeof openScripted>>;

  constructor(
    scripted: Awaited<ReturnType<typeof openScripted>>,
    options: Partial<ProcessSourceOptions>,
  ) {
    const { clock } = scripted.driver.opened;
    super({ name: "mt5:Test-Server", clock, driver: () => scripted.driver, ...options });
    this.scripted = scripted;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.scripted[Symbol.asyncDispose]();
  }
}

async function openSource(
  settings: ScriptedSettings,
  options: Partial<ProcessSourceOptions> = {},
): Promise<ScriptedSource> {
  const scripted = await openScripted({ first_ms: FIRST_MS, step_ms: STEP_MS, ...settings });
  return new ScriptedSource(scripted, options);
}

if (!ignore) {
  testSource({
    name: "a vendor's driver process",
    // A present after each turn, so that one falls between two pages.
    open: () => openSource({ history: 3000, total: 3000, clock: "utc", present_s: 0 }),
    symbol: "EURUSD",
    startServerMs: FIRST_MS,
    middleServerMs: FIRST_MS + 1000 * STEP_MS,
  });
}

/** Reads until every symbol is past a tick of the market; each tick's bid is its place. */
async function bidsUntil(
  stream: AsyncIterable<SourceEvent>,
  { symbols, place, pauseMs }: {
    symbols: readonly string[];
    place: number;
    pauseMs: () => number | undefined;
  },
): Promise<Map<string, number[]>> {
  const bids = new Map<string, number[]>(symbols.map((symbol) => [symbol, []]));
  for await (const event of stream) {
    if (event.type === "ticks") {
      const list = bids.get(event.symbol);
      assert.ok(list !== undefined, `${event.symbol} was not asked for`);
      for (let index = 0; index < event.ticks.count; index++) list.push(event.ticks.bid(index));
      if ([...bids.values()].every((each) => (each.at(-1) ?? -1) >= place)) return bids;
    }
    const ms = pauseMs();
    if (ms !== undefined) await pause(ms);
  }
  throw new assert.AssertionError({ message: "the stream ended" });
}

/** Where a tick that a stream begins with must be: the first at or after the server ms. */
function placeOf(fromServerMs: number): number {
  return Math.max(0, Math.ceil((fromServerMs - FIRST_MS) / STEP_MS));
}

Deno.test({
  name: "however pages and live frames fall, every stream gets every tick once and in order",
  ignore,
  async fn() {
    const start = fc.oneof(
      { arbitrary: fc.integer({ min: -100, max: 2500 }), weight: 4 },
      { arbitrary: fc.constant("now" as const), weight: 1 },
    );
    const reader = fc.record({
      starts: fc.array(start, { minLength: 3, maxLength: 3 }),
      openedMs: fc.integer({ min: 0, max: 80 }),
      pauses: fc.array(fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }), {
        minLength: 1,
        maxLength: 20,
      }),
    });
    const run = fc.record({
      seed: fc.integer(),
      history: fc.integer({ min: 0, max: 2000 }),
      waits: fc.integer({ min: 0, max: 3 }),
      failures: fc.integer({ min: 0, max: 1 }),
      readers: fc.array(reader, { minLength: 2, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(run, async ({ seed, history, waits, failures, readers }) => {
        const rawNames = ["EURUSDm", "GBPUSDm", "USDJPYm"];
        const symbols = ["EURUSD", "GBPUSD", "USDJPY"];
        await using source = await openSource({
          symbols: rawNames,
          seed,
          history,
          total: 1e9,
          waits,
          failures,
        });
        await Promise.all(readers.map(async ({ starts, openedMs, pauses }) => {
          await pause(openedMs);
          const requests = symbols.map((symbol, index): TickRequest => {
            // What begins after the present has the present.
            const place = starts[index] === "now" ? "now" : Math.min(starts[index] ?? 0, history);
            const fromServerMs = place === "now" ? place : FIRST_MS + place * STEP_MS - 3;
            return { symbol, fromServerMs };
          });
          let turn = 0;
          const bids = await bidsUntil(source.stream(requests, new AbortController().signal), {
            symbols,
            place: history + 600,
            pauseMs: () => pauses[turn++ % pauses.length],
          });
          for (const { symbol, fromServerMs } of requests) {
            const got = bids.get(symbol) ?? [];
            const first = fromServerMs === "now" ? got[0] ?? 0 : placeOf(fromServerMs);
            assert.deepEqual(got, Array.from({ length: got.length }, (_, at) => first + at));
          }
        }));
      }),
      { numRuns: 10, endOnFailure: true },
    );
  },
});

Deno.test({
  name: "live is said once, after the history of all symbols, and no watermark before it",
  ignore,
  async fn() {
    await using source = await openSource({ history: 2000, total: 4000, present_s: 0, waits: 30 });
    const requests = [
      { symbol: "EURUSD", fromServerMs: FIRST_MS },
      { symbol: "GBPUSD", fromServerMs: FIRST_MS + 500 * STEP_MS },
    ];
    const events: SourceEvent[] = [];
    let presents = 0;
    for await (const event of source.stream(requests, new AbortController().signal)) {
      if (event.type === "present" || event.type === "live") events.push(event);
      if (event.type === "present" && event.watermarkUtcMs > 0 && ++presents === 5) break;
    }
    const live = events.findIndex(({ type }) => type === "live");
    const before = events.slice(0, live), after = events.slice(live + 1);
    assert.ok(before.length > 0, "the clock can be learned while history is read");
    assert.ok(before.every((event) => event.type === "present" && event.watermarkUtcMs === 0));
    assert.equal(after.filter(({ type }) => type === "live").length, 0);
    const newest = events.flatMap((event) => event.type === "present" ? event.newestServerMs : []);
    assert.ok(newest.some((stamp) => stamp !== null));
  },
});

Deno.test({
  name: "a collector that does not pull makes history wait, and ends its live stream by name",
  ignore,
  async fn() {
    const maxQueuedTicks = 2000;
    await using source = await openSource({ history: 100, total: 1e9 }, { maxQueuedTicks });
    const requests = [{ symbol: "EURUSD", fromServerMs: FIRST_MS }];
    const bids: number[] = [];
    const take = (ticks: Ticks) => {
      for (let index = 0; index < ticks.count; index++) bids.push(ticks.bid(index));
    };
    const read = async () => {
      for await (const event of source.stream(requests, new AbortController().signal)) {
        if (event.type === "ticks") take(event.ticks);
        if (event.type !== "live") continue;
        // Another stream of the same driver has had more than this one may hold.
        let others = 0;
        const other = source.stream([{ symbol: "EURUSD", fromServerMs: "now" }], stop.signal);
        for await (const event of other) {
          if (event.type === "ticks") others += event.ticks.count;
          if (others > 2 * maxQueuedTicks) break;
        }
      }
    };
    const stop = new AbortController();
    await assert.rejects(read(), {
      code: "source_failed",
      message: /The collector fell behind by more than 2000 live ticks; it reads again/,
    });
    assert.ok(bids.length > maxQueuedTicks / 2, "what waited was delivered");
    assert.deepEqual(bids, Array.from({ length: bids.length }, (_, index) => index));
  },
});

Deno.test({
  name: "pages are asked for only while the collector pulls",
  ignore,
  async fn() {
    await using source = await openSource({ history: 1_000_000, total: 1_000_000 });
    const { driver } = source.scripted;
    const stream = source.stream(
      [{ symbol: "EURUSD", fromServerMs: FIRST_MS }],
      new AbortController().signal,
    );
    await stream.next();
    // Whatever the driver was asked before these is answered before them.
    for (let turn = 0; turn < 5; turn++) await driver.check();
    let pages = 0;
    const page = driver.page.bind(driver);
    driver.page = (...request) => {
      pages++;
      return page(...request);
    };
    for (let turn = 0; turn < 20; turn++) await driver.check();
    assert.equal(pages, 0);
    for (let turn = 0; turn < 20; turn++) await stream.next();
    assert.ok(pages > 0);
    await stream.return(undefined);
  },
});

Deno.test({
  name: "a driver's end ends its streams with its reason, and the next driver serves again",
  ignore,
  async fn() {
    await using first = await openScripted({ fault: "lost", total: 1e9, step_ms: 1 });
    await using second = await openScripted({ total: 1e9, step_ms: 1 });
    let current: typeof first | undefined = first;
    await using source = new ProcessSource({
      name: "mt5:Test-Server",
      clock: "learned",
      driver() {
        if (current === undefined) throw new Error("The session waits for its terminal");
        return current.driver;
      },
    });
    const requests = [{ symbol: "EURUSD", fromServerMs: "now" }] as const;
    const read = async () => {
      for await (const event of source.stream(requests, new AbortController().signal)) {
        if (event.type === "live") await first.driver.check().catch(() => {});
      }
    };
    await assert.rejects(read(), { name: "DriverError", message: "The terminal was closed" });
    current = undefined;
    const down = { message: "The session waits for its terminal" };
    await assert.rejects(read(), down);
    await assert.rejects(source.symbols(), down);
    await assert.rejects(source.account(), down);
    await assert.rejects(
      source.bars({ symbol: "EURUSD", timeframe: "1m", fromServerMs: 0, toServerMs: 1 }),
      down,
    );
    current = second;
    for await (const event of source.stream(requests, new AbortController().signal)) {
      if (event.type === "ticks") break;
    }
  },
});

Deno.test({
  name: "the feed's state reaches every stream, also one that is opened while it is down",
  ignore,
  async fn() {
    for (const clock of ["learned", "utc"] as const) {
      await using source = await openSource({ fault: "feed_down", clock });
      await source.scripted.driver.check();
      const requests = [{ symbol: "EURUSD", fromServerMs: "now" }] as const;
      for await (const event of source.stream(requests, new AbortController().signal)) {
        const time = { [clock === "learned" ? "nowUtcMs" : "nowServerMs"]: 1_700_000_000_000 };
        assert.deepEqual(event, { type: "feed", state: "down", ...time });
        break;
      }
    }
  },
});

Deno.test({
  name: "a stream that is stopped while it opens watches nothing afterwards",
  ignore,
  async fn() {
    await using source = await openSource({ total: 1e9, step_ms: 1 });
    const stop = new AbortController();
    const stream = source.stream([{ symbol: "EURUSD", fromServerMs: "now" }], stop.signal);
    const first = stream.next();
    stop.abort();
    assert.equal((await first).done, true);
    let count = 0;
    const unwatch = await source.scripted.driver.watch(["EURUSDm"], () => count++);
    await until(() => count > 0);
    unwatch();
    await source.scripted.driver.check();
    const before = count;
    await source.scripted.driver.check();
    assert.equal(count, before);
  },
});

Deno.test({
  name: "symbols have their stream names, and a contested one is told once",
  ignore,
  async fn() {
    const contested: string[] = [];
    await using source = await openSource({ symbols: ["EURUSD", "EURUSDm", "GOLD"] }, {
      names: { suffix: "@demo", aliases: { GOLD: "XAUUSD" } },
      onContested: (names) => contested.push(...names.map(({ rawName }) => rawName)),
    });
    const symbols = await source.symbols();
    assert.deepEqual(
      symbols.map(({ symbol, rawName }) => [rawName, symbol]),
      [["EURUSD", "EURUSD@demo"], ["EURUSDm", "EURUSDm@demo"], ["GOLD", "XAUUSD@demo"]],
    );
    const [spec] = await source.specs();
    assert.deepEqual(spec?.fields, { description: "EURUSD" });
    assert.deepEqual(contested, ["EURUSDm"]);
    const requests = [{ symbol: "NOPE", fromServerMs: 0 }];
    const stream = source.stream(requests, new AbortController().signal);
    await assert.rejects(stream.next(), { code: "unknown_symbol" });
  },
});

Deno.test({
  name: "a vendor that keeps failing a page ends the stream with its words",
  ignore,
  async fn() {
    await using source = await openSource({ failures: 1000, history: 10 });
    const stream = source.stream(
      [{ symbol: "EURUSD", fromServerMs: FIRST_MS }],
      new AbortController().signal,
    );
    const read = async () => {
      for await (const event of stream) assert.equal(event.type, "present");
    };
    await assert.rejects(read(), { code: "vendor", message: "Terminal: Call failed" });
  },
});
