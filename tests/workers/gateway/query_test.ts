import assert from "node:assert/strict";
import { dayOf, openName, sealedName, ticksFolder } from "../../../lib/capture/day_path.ts";
import { TICK_HEADER } from "../../../lib/capture/tick_row.ts";
import { formatTickRow } from "../../../lib/capture/tick_row_encoder.ts";
import { nextId, parseId } from "../../../lib/market/tick_id.ts";
import { Rig, START_MS, untilReady } from "./rig.ts";

/** Rows of the log's first `count` ticks, as the writer writes them. */
async function rowsOf(rig: Rig, symbol: string, count: number): Promise<string> {
  let text = "";
  const segments = await rig.log.read(new Map([[symbol, { ms: 0, n: 0 }]]));
  for (const { firstId, ticks } of segments) {
    let id = firstId;
    for (let index = 0; index < ticks.count && count > 0; index++, count--) {
      if (index > 0) id = nextId(id, ticks.utcMs(index));
      text += `${formatTickRow(ticks, index, id).trimEnd()}\n`;
    }
  }
  return text;
}

Deno.test("a query joins sealed file, open file and log, each tick once, in pages", async () => {
  await using rig = await Rig.open();
  const ids = await rig.append("EURUSD", 500);
  const folder = `${rig.dataDir}/${ticksFolder("EURUSD", "fx")}`;
  await Deno.mkdir(folder, { recursive: true });
  const rows = await rowsOf(rig, "EURUSD", 300);
  const old = "1766300000.000,1766307200.000,1,2,,0,6,1766300000000-0\n";
  await Deno.writeTextFile(
    `${folder}/${sealedName(dayOf(1_766_300_000_000), 0)}`,
    TICK_HEADER + old,
  );
  // The last row is being written: the log has it whole.
  await Deno.writeTextFile(
    `${folder}/${openName(dayOf(START_MS))}`,
    TICK_HEADER + rows.slice(0, -9),
  );
  await using gateway = await rig.gateway();
  await untilReady(gateway);

  const found: string[] = [];
  for (let after: string | null = ""; after !== null;) {
    const more: string = after === "" ? "" : `&after=${after}`;
    const response = await fetch(`${gateway.url}ticks/EURUSD?limit=170${more}`);
    assert.equal(response.status, 200);
    const page = await response.json();
    found.push(...page.ticks.map(({ id }: { id: string }) => id));
    after = page.next_after;
  }
  assert.deepEqual(found, ["1766300000000-0", ...ids]);

  const { ms } = parseId(ids[10] ?? "");
  const csv = await fetch(`${gateway.url}ticks/EURUSD?from=${ms}&to=${ms + 5}&format=csv`);
  const lines = rows.split("\n").slice(10, 15);
  assert.equal(await csv.text(), `${TICK_HEADER}${lines.join("\n")}\n`);
  const between = `after=${ids[9]}&before=${ids[15]}`;
  const inside = await (await fetch(`${gateway.url}ticks/EURUSD?${between}`)).json();
  assert.deepEqual(inside.ticks.map(({ id }: { id: string }) => id), ids.slice(10, 15));
  const iso = new Date(ms).toISOString();
  const same = await (await fetch(`${gateway.url}ticks/EURUSD?from=${iso}&limit=1`)).json();
  assert.equal(same.ticks[0].id, ids[10]);
});

Deno.test("a wrong query is answered with its field and its value", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  for (
    const [path, status, field, value] of [
      ["ticks/EURUSD?from=yesterday", 400, "from", "yesterday"],
      ["ticks/EURUSD?limit=0", 400, "limit", "0"],
      ["ticks/EURUSD?form=1", 400, "form", "1"],
      ["ticks/EURUSD?from=2025-02-30", 400, "from", "2025-02-30"],
      ["ticks/EURUSD?to=2025-04-31T00:00:00Z", 400, "to", "2025-04-31T00:00:00Z"],
      ["ticks/EURUSD?limit=1&limit=2", 400, "limit", "1, 2"],
      ["bars/EURUSD?tf=1H&tf=4H", 400, "tf", "1H, 4H"],
      ["calendar/EURUSD?from=1&from=1", 400, "from", "1, 1"],
      [`ticks/${"A".repeat(5000)}`, 400, "symbol", `${"A".repeat(200)}…`],
      ["ticks/EURUSD?from=5&to=4", 422, "to", "4"],
      ["ticks/EURUSD?after=5-0&before=4-9", 422, "before", "4-9"],
      ["ticks/EURUSD?limit=100001", 400, "limit", "100001"],
      ["ticks/EURUSD?format=xml", 400, "format", "xml"],
      ["ticks/NOSUCH", 404, "symbol", "NOSUCH"],
      ["ticks/..%2F..%2Fetc", 400, "symbol", "../../etc"],
      ["nowhere", 404, "path", "/nowhere"],
    ] as const
  ) {
    const response = await fetch(gateway.url + path);
    const problem = await response.json();
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.deepEqual([response.status, problem.field, problem.value], [status, field, value], path);
  }
});

Deno.test("a zone's plus may come as it is, as a space or escaped", async () => {
  await using rig = await Rig.open();
  const ids = await rig.append("EURUSD", 30);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const local = new Date(parseId(ids[10] ?? "").ms + 2 * 3_600_000).toISOString().slice(0, -1);
  for (const zone of ["+02:00", " 02:00", "%2B02:00"]) {
    const found = await fetch(`${gateway.url}ticks/EURUSD?from=${local}${zone}&limit=1`);
    assert.equal((await found.json()).ticks[0].id, ids[10], zone);
  }
});

Deno.test("a method that is not taken is answered with those that are", async () => {
  await using rig = await Rig.open();
  await using gateway = await rig.gateway();
  for (const path of ["ticks/EURUSD", "symbols", ""]) {
    const response = await fetch(gateway.url + path, { method: "POST" });
    await response.body?.cancel();
    assert.deepEqual([response.status, response.headers.get("allow")], [405, "GET, HEAD"]);
  }
});

Deno.test("symbols, readiness and the page are served, the page with its tag and policy", async () => {
  await using rig = await Rig.open();
  const [id] = await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const { symbols, kind } = await (await fetch(`${gateway.url}symbols`)).json();
  const euro = symbols.find(({ symbol }: { symbol: string }) => symbol === "EURUSD");
  assert.equal(kind, "raw");
  assert.equal(symbols.length, 41);
  assert.equal(euro.id, id);
  assert.equal(euro.market, "fx");
  assert.ok(euro.age_seconds >= 0);
  const hours = await (await fetch(`${gateway.url}calendar/EURUSD`)).json();
  assert.deepEqual([euro.market_open, euro.next_open], [hours.is_open, hours.next_open]);
  assert.equal((await (await fetch(`${gateway.url}livez`)).text()).trim(), "ok");
  const page = await fetch(gateway.url);
  assert.match(await page.text(), /<title>page/);
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'self'/);
  const etag = page.headers.get("etag") ?? "";
  const again = await fetch(gateway.url, { headers: { "if-none-match": etag } });
  assert.equal(again.status, 304);
  assert.equal(page.headers.get("access-control-allow-origin"), null);
});

Deno.test("a gateway without a log is alive but not ready, and serves the log once it is there", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await Deno.rename(`${rig.dataDir}/log`, `${rig.dataDir}/later`);
  await using gateway = await rig.gateway();
  const ready = await fetch(`${gateway.url}readyz`);
  assert.equal(ready.status, 503);
  await ready.body?.cancel();
  await Deno.rename(`${rig.dataDir}/later`, `${rig.dataDir}/log`);
  await untilReady(gateway);
});
