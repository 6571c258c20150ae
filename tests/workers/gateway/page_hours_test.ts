import assert from "node:assert/strict";
import { describeConnection } from "../../../workers/gateway/page/connection.ts";
import { readFacts } from "../../../workers/gateway/page/facts.ts";
import { allClosed, closedOf, untilText } from "../../../workers/gateway/page/hours.ts";
import { Quotes } from "../../../workers/gateway/page/quotes.ts";
import { startBrowser, withoutChromium } from "../../support/browser.ts";
import { PageGateway } from "../../support/page_gateway.ts";

const HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS;
const CLOSED = { untilMs: Date.UTC(2026, 10, 22, 22) };
const id = { ms: 1703264400123, n: 0 };

Deno.test("a market is closed by its calendar only while no tick says otherwise", () => {
  const quotes = new Quotes(), state = quotes.add("EURUSD"), nowMs = Date.now();
  assert.equal(closedOf(state), undefined);
  state.closed = CLOSED;
  assert.equal(closedOf(state), CLOSED);
  const quote = { symbol: "EURUSD", bid: 1.1, ask: 1.2 };
  quotes.update({ ...quote, id, utcMs: nowMs - HOUR_MS }, false);
  assert.equal(closedOf(state), CLOSED);
  quotes.update({ ...quote, id: { ms: nowMs, n: 0 }, utcMs: nowMs }, true);
  assert.equal(closedOf(state), undefined);
});

Deno.test("all is closed until the first market opens", () => {
  const quotes = new Quotes();
  assert.equal(allClosed(quotes.states.values()), undefined);
  const [euro, gold] = [quotes.add("EURUSD"), quotes.add("XAUUSD")];
  euro.closed = { untilMs: 5 };
  assert.equal(allClosed(quotes.states.values()), undefined);
  gold.closed = { untilMs: undefined };
  assert.deepEqual(allClosed(quotes.states.values()), { untilMs: 5 });
  euro.closed = { untilMs: undefined };
  assert.deepEqual(allClosed(quotes.states.values()), { untilMs: undefined });
});

Deno.test("a closed market explains the silence, and a feed that is down goes before it", () => {
  const open = { phase: "open" } as const;
  const signs = { table: open, chart: open, feed: "up", newestMs: 0, closed: CLOSED };
  const { state, text, detail } = describeConnection(signs);
  assert.deepEqual([state, text], ["closed", "Market closed"]);
  assert.match(detail, /^until .*\d{2}:\d{2}$/);
  assert.equal(describeConnection({ ...signs, feed: "down" }).state, "down");
  assert.equal(untilText({ untilMs: undefined }), "");
});

Deno.test("hours are those of real data: a replay has its own present, an invented market may never close", () => {
  const row = {
    symbol: "EURUSD",
    ts: 5,
    market_open: false,
    next_open: "2026-11-22T22:00:00.000Z",
  };
  const closed = (kind: string, more: object = {}) => {
    return readFacts({ kind, symbols: [{ ...row, ...more }] }).symbols[0]?.closed;
  };
  assert.deepEqual(closed("raw"), CLOSED);
  assert.deepEqual(closed("raw", { ts: null }), CLOSED);
  assert.deepEqual(closed("raw", { next_open: null }), { untilMs: undefined });
  assert.equal(closed("raw", { market_open: true }), undefined);
  assert.equal(closed("raw", { market_open: null }), undefined);
  assert.equal(closed("replay"), undefined);
  assert.deepEqual(closed("simulated"), CLOSED);
  assert.equal(closed("simulated", { ts: null }), undefined);
});

Deno.test({
  name: "the page says until when markets are closed, and stops when ticks come, in Chromium",
  ignore: withoutChromium(),
  async fn() {
    await using gateway = await PageGateway.start();
    const browser = await startBrowser();
    try {
      const page = await browser.newPage({ timezoneId: "Etc/GMT-2" });
      const opensMs = (Math.floor(Date.now() / DAY_MS) + 2) * DAY_MS + 22 * HOUR_MS;
      const weekday = new Date(opensMs + 2 * HOUR_MS).toUTCString().slice(0, 3);
      let isOpening = false;
      await page.route("**/symbols", async (route) => {
        const response = await route.fetch(), { symbols } = await response.json();
        for (const row of symbols) {
          Object.assign(row, { market_open: false, next_open: new Date(opensMs).toISOString() });
        }
        await route.fulfill({ response, json: { kind: "raw", symbols } });
      });
      await page.routeWebSocket("**/ws", (route) => {
        const server = route.connectToServer();
        server.onMessage((message) => {
          if (isOpening || !/"type":"(tick|snapshot)"/.test(String(message))) route.send(message);
        });
      });
      await page.goto(`${gateway.url}#GBPUSD`);
      await page.locator("#connection[data-state=closed]").waitFor();
      const detail = page.locator("#connection-detail");
      assert.equal(await page.locator("#connection-text").textContent(), "Market closed");
      assert.equal(await detail.textContent(), `until ${weekday} 00:00`);
      const title = await page.locator("#connection").getAttribute("title");
      assert.match(title ?? "", /closed until .*20\d\d.*00:00:00.*(GMT|UTC)\+2/);
      const age = page.locator('tr.closed[data-symbol="EURUSD"] td[data-column="age"]');
      assert.equal(await age.textContent(), "closed");
      assert.equal(await age.getAttribute("title"), title);
      for (const width of [1400, 360]) {
        await page.setViewportSize({ width, height: 740 });
        const cut = await age.evaluate((cell) => cell.scrollWidth - cell.clientWidth);
        assert.equal(cut, 0, `${width} pixels`);
      }
      // What the calendar says is no match for a tick.
      isOpening = true;
      await page.locator("#connection[data-state=live]").waitFor();
      await page.locator('tr:not(.closed)[data-symbol="EURUSD"]').waitFor();
      assert.match(
        await page.locator('tr[data-symbol="EURUSD"] td[data-column="age"]').textContent() ?? "",
        / s$/,
      );
    } finally {
      await browser.close();
    }
  },
});
