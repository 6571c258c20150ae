import assert from "node:assert/strict";
import type { Page, WebSocketRoute } from "playwright-core";
import { nextId } from "../../../lib/market/tick_id.ts";
import { UNIVERSE } from "../../../lib/market/universe.ts";
import { FeedStates } from "../../../workers/gateway/feed_states.ts";
import { bundlePage, formatBundle } from "../../../workers/gateway/page/build.ts";
import { describeConnection } from "../../../workers/gateway/page/connection.ts";
import type { Quote } from "../../../workers/gateway/page/messages.ts";
import { readFrame } from "../../../workers/gateway/page/messages.ts";
import { fillBuckets, TickSeries } from "../../../workers/gateway/page/tick_series.ts";
import { startBrowser, withoutChromium } from "../../support/browser.ts";
import { PageGateway } from "../../support/page_gateway.ts";

declare global {
  /** What the page tells of its chart. */
  var arbitrexPage: { symbol: string; ids: string[]; gaps: unknown[]; loading: boolean };
}

const FIRST: Quote = {
  symbol: "EURUSD",
  id: { ms: 1703264400123, n: 0 },
  utcMs: 1703264400123,
  bid: 1.1234,
  ask: 1.1235,
};

Deno.test("the committed bundle is what the page's sources make", async () => {
  const folder = new URL("../../../workers/gateway/page/", import.meta.url);
  const committed = await Deno.readTextFile(new URL("bundle.json", folder));
  const made = formatBundle(await bundlePage());
  assert.ok(
    committed.replaceAll("\r\n", "\n") === made,
    "bundle.json is older than its sources: deno run -A workers/gateway/page/build.ts",
  );
});

Deno.test("the page reads ticks, gaps and states of the stream, single and batched", () => {
  const tick = '{"type":"tick","symbol":"EURUSD","id":"1703264400123-0","ts":1703264400.123,' +
    '"ts_broker":1703271600.123,"bid":1.1234,"ask":1.1235,"last":null,"volume":0}';
  const gap = '{"type":"gap","symbol":"EURUSD","from":"1703264400000-0","to":"1703264460000-0",' +
    '"reason":"feed_down"}';
  assert.deepEqual(readFrame(tick), [{ type: "tick", quote: FIRST }]);
  assert.deepEqual(readFrame(`[${gap},{"type":"pong"},${tick}]`), [
    {
      type: "gap",
      gap: {
        symbol: "EURUSD",
        fromMs: 1703264400000,
        toMs: 1703264460000,
        reason: "feed_down",
      },
    },
    { type: "tick", quote: FIRST },
  ]);
});

Deno.test("a series keeps each id once and in order, whatever order ticks arrive in", () => {
  const series = new TickSeries("EURUSD");
  const quotes: Quote[] = [];
  for (let id = FIRST.id, index = 0; index < 10; index++, id = nextId(id, id.ms + index % 2)) {
    quotes.push({ ...FIRST, id, utcMs: id.ms });
  }
  assert.equal(series.add(quotes.slice(5, 8)), "appended");
  assert.equal(series.add(quotes.slice(5, 8)), "none");
  assert.equal(series.add(quotes.slice(6)), "appended");
  assert.equal(series.add(quotes.slice(0, 6)), "merged");
  assert.deepEqual(series.ticks, quotes);
});

Deno.test("a late tick widens the bucket of its true time and no close", () => {
  const at = (ms: number, bid: number): Quote => ({ ...FIRST, utcMs: ms, bid, ask: bid });
  const buckets = [] as Parameters<typeof fillBuckets>[0];
  const ticks = [at(1000, 5), at(1900, 6), at(2100, 7), at(1500, 9), at(4000, 8)];
  assert.equal(fillBuckets(buckets, ticks, { from: 0, intervalMs: 1000 }), 0);
  assert.deepEqual(buckets.map(({ openMs, open, high, close }) => [openMs, open, high, close]), [
    [1000, 5, 9, 6],
    [2000, 7, 7, 7],
    [4000, 8, 8, 8],
  ]);
});

Deno.test("the header says the worst that is known of the connection", () => {
  const open = { phase: "open" } as const;
  const now = { newestMs: performance.now(), closed: undefined };
  const good = { table: open, chart: open, feed: "up", ...now };
  const waiting = { phase: "waiting", untilMs: performance.now() + 2500 } as const;
  assert.equal(describeConnection(good).state, "live");
  assert.equal(describeConnection({ ...good, feed: "down" }).state, "down");
  assert.equal(describeConnection({ ...good, chart: { phase: "stale" } }).state, "stale");
  assert.deepEqual(describeConnection({ ...good, table: waiting, feed: "down" }), {
    state: "reconnecting",
    text: "Reconnecting",
    detail: "in 3 s",
  });
});

Deno.test({
  name: "the page in Chromium over the real gateway",
  ignore: withoutChromium(),
  async fn(test) {
    await using gateway = await PageGateway.start();
    const browser = await startBrowser();
    try {
      const context = await browser.newContext({
        viewport: { width: 1400, height: 820 },
        colorScheme: "dark",
      });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("pageerror", ({ message }) => complaints.push(message));
      page.on("console", (line) => {
        if (/content security policy/i.test(line.text())) complaints.push(line.text());
      });
      await page.goto(gateway.url);
      await page.locator("#connection[data-state=live]").waitFor();

      await test.step("shows every symbol, and prices change", async () => {
        await page.waitForFunction(
          (count) => document.querySelectorAll("#quotes tbody tr").length === count,
          UNIVERSE.length,
        );
        const cell = page.locator('tr[data-symbol="EURUSD"] td[data-column="bid"]');
        const before = await cell.textContent() ?? "";
        await page.waitForFunction(
          (text) =>
            document.querySelector('tr[data-symbol="EURUSD"] td[data-column="bid"]')
              ?.textContent !== text,
          before,
        );
        // Up and down are told by a sign, not by the colour alone.
        assert.match(await cell.textContent() ?? "", /^\d\.\d{5}[▲▼]$/);
        assert.equal(await page.locator("#kind").textContent(), "Simulated");
      });

      await test.step("draws a chart of the log's ticks, history included", async () => {
        await waitForHistory(page, "EURUSD");
        await assertEachIdOnce(page, gateway);
        assert.ok(await coloursOf(page) > 3, "the chart's canvas is empty");
      });

      await test.step("goes on without a hole after the gateway was killed", async () => {
        await gateway.killProcess();
        await page.locator("#connection[data-state=reconnecting]").waitFor();
        const length = gateway.ids("EURUSD").length;
        await waitUntil(() => gateway.ids("EURUSD").length > length + 20);
        await gateway.startProcess();
        await page.locator("#connection[data-state=live]").waitFor();
        await assertEachIdOnce(page, gateway);
        assert.equal(await page.evaluate(() => globalThis.arbitrexPage.gaps.length), 0);
      });

      await test.step("is used by keyboard: filter, arrow keys, Enter", async () => {
        await page.keyboard.press("/");
        await page.keyboard.type("gbp");
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("ArrowDown");
        const focused = await page.evaluate("document.activeElement.textContent");
        assert.equal(focused, "GBPAUD");
        await page.keyboard.press("Enter");
        await waitForHistory(page, "GBPAUD");
        const chosen = page.locator('tr.chosen button[aria-pressed="true"]');
        assert.equal(await chosen.textContent(), "GBPAUD");
        assert.equal(await page.locator("#count").textContent(), "7 of 41 symbols");
        await page.locator("#filter").fill("");
      });

      await test.step("sorts by a column and says so", async () => {
        const spread = page.locator('th[data-column="spread"]');
        await spread.locator("button").click();
        assert.equal(await spread.getAttribute("aria-sort"), "ascending");
        await spread.locator("button").click();
        assert.equal(await spread.getAttribute("aria-sort"), "descending");
        assert.equal(await page.locator("th[aria-sort]").count(), 1);
        await page.locator('th[data-column="symbol"] button').click();
      });

      await test.step("names every control and keeps the table a table", async () => {
        const nameless = await page.evaluate(() =>
          [...document.querySelectorAll("button, input, fieldset, a")].filter((element) =>
            !(element.textContent || element.ariaLabel || element.closest("label")?.textContent)
          ).length
        );
        assert.equal(nameless, 0);
        assert.equal(await page.getByRole("rowheader").count(), UNIVERSE.length);
        assert.equal(await page.getByRole("columnheader").count(), 6);
        assert.equal(await page.locator("h1").count(), 1);
        assert.equal(await page.locator("html").getAttribute("lang"), "en");
        assert.equal(await page.locator('tbody button[tabindex="0"]').count(), 1);
      });

      await test.step("remembers the theme that was chosen", async () => {
        const colour = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
        const dark = await colour();
        await page.emulateMedia({ colorScheme: "light" });
        const light = await colour();
        assert.notEqual(dark, light);
        await page.locator("#theme").click();
        assert.equal(await colour(), dark);
        await page.reload();
        await page.locator("html[data-theme=dark]").waitFor({ state: "attached" });
        assert.equal(await colour(), dark);
      });

      await test.step("fits a phone of 360 pixels without scrolling sideways", async () => {
        await page.setViewportSize({ width: 360, height: 740 });
        await waitForHistory(page, "GBPAUD");
        const overflow = await page.evaluate(() =>
          document.documentElement.scrollWidth - document.documentElement.clientWidth
        );
        assert.equal(overflow, 0);
        assert.ok(await page.locator('tr[data-symbol="AUDCAD"] td[data-column="age"]').isVisible());
        assert.ok(await page.locator("#chart canvas").first().isVisible());
      });

      await test.step("broke no rule of its own policy and threw nothing", () => {
        assert.deepEqual(complaints, []);
      });
      await context.close();
    } finally {
      await browser.close();
    }
  },
});

Deno.test({
  name: "the page shades a gap, and says that the feed is down, in Chromium",
  ignore: withoutChromium(),
  async fn() {
    await using gateway = await PageGateway.start();
    const browser = await startBrowser();
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("pageerror", ({ message }) => complaints.push(message));
      const routes: WebSocketRoute[] = [];
      let muted = false;
      await page.routeWebSocket("**/ws", (route) => {
        const server = route.connectToServer();
        server.onMessage((message) => muted || route.send(message));
        routes.push(route);
      });
      const say = (message: object) => {
        for (const route of routes) route.send(JSON.stringify([message]));
      };
      await page.goto(`${gateway.url}#USDJPY`);
      await waitForHistory(page, "USDJPY");
      // Ticks of three seconds never reach the page, and the gateway tells of it. What follows falls
      // into an interval from its beginning, so that the interval after the hole is drawn repeatedly.
      muted = true;
      const fromMs = Date.now();
      await waitUntil(() => Date.now() > fromMs + 3000 && Date.now() % 1000 < 100);
      muted = false;
      say({
        type: "gap",
        symbol: "USDJPY",
        from: `${fromMs}-0`,
        to: `${Date.now()}-0`,
        reason: "feed_down",
      });
      await page.getByText(/· 1 gap/).waitFor();
      const length = gateway.ids("USDJPY").length;
      await waitUntil(() => gateway.ids("USDJPY").length > length + 10);
      // A tick would prove the feed to be up again.
      muted = true;
      say(new FeedStates().note({ state: "down", symbols: [], atMs: Date.now() }));
      await page.locator("#connection[data-state=down]").waitFor();
      assert.equal(await page.locator("#connection-text").textContent(), "Feed down");
      assert.deepEqual(complaints, []);
    } finally {
      await browser.close();
    }
  },
});

async function waitForHistory(page: Page, symbol: string): Promise<void> {
  await page.waitForFunction(
    (wanted) => globalThis.arbitrexPage.symbol === wanted && !globalThis.arbitrexPage.loading,
    symbol,
  );
}

/** What the page has is a whole end of what the log has: no id missing, none twice. */
async function assertEachIdOnce(page: Page, gateway: PageGateway): Promise<void> {
  const target = gateway.ids("EURUSD").at(-1) ?? "";
  await page.waitForFunction((id) => globalThis.arbitrexPage.ids.includes(id), target);
  const received = await page.evaluate(() => globalThis.arbitrexPage.ids);
  const logged = gateway.ids("EURUSD");
  const from = logged.indexOf(received[0] ?? "");
  assert.ok(from >= 0 && received.length > 500, `only ${received.length} ticks`);
  assert.deepEqual(received, logged.slice(from, from + received.length));
}

/** How many different colours the chart's canvases show. */
function coloursOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const colours = new Set<number>();
    for (const canvas of document.querySelectorAll<HTMLCanvasElement>("#chart canvas")) {
      const { data } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ??
        { data: new Uint8ClampedArray() };
      for (const pixel of new Uint32Array(data.buffer)) colours.add(pixel);
    }
    return colours.size;
  });
}

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
