import assert from "node:assert/strict";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { dayOf, startOfDayMs } from "../../../../lib/capture/day_path.ts";
import { TICK_HEADER } from "../../../../lib/capture/tick_row.ts";
import { gatewayEvents } from "../../../../workers/gateway/events.ts";
import { RangeAnswers } from "../../../../workers/gateway/queries/range_answers.ts";
import { Rig, START_MS, untilReady } from "../rig.ts";
import { writeDayFile } from "./history.ts";

const DAY = dayOf(START_MS) - 3;

/** More than the sockets between a gateway and a client that does not read take up. */
function bigDay(rows = 400_000): string {
  const fromMs = startOfDayMs(DAY);
  return Array.from({ length: rows }, (_, index) => {
    const ms = fromMs + index * 100, seconds = (ms / 1000).toFixed(3);
    return `${seconds},${seconds},1.08,1.0801,,0,6,${ms}-0\n`;
  }).join("");
}

async function untilAnswered(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(url);
    await response.body?.cancel();
    if (response.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("a whole day goes out as the bytes of its file, in every size of piece", async () => {
  await using rig = await Rig.open();
  const rows = bigDay(50_000);
  await writeDayFile(rig.dataDir, { day: DAY, part: 0 }, rows);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const range = `from=${startOfDayMs(DAY)}&to=${startOfDayMs(DAY + 1)}`;
  const csv = await fetch(`${gateway.url}ticks/EURUSD?${range}&format=csv`);
  assert.equal(csv.headers.get("content-disposition"), 'attachment; filename="EURUSD_ticks.csv"');
  assert.equal(await csv.text(), TICK_HEADER + rows);
  const json = await fetch(`${gateway.url}ticks/EURUSD?${range}&limit=60000`);
  const { ticks, count, next_after } = await json.json();
  assert.deepEqual([ticks.length, count, next_after], [50_000, 50_000, null]);
});

Deno.test("a client that stops reading is cut off, and so is the reading", async () => {
  await using rig = await Rig.open();
  await writeDayFile(rig.dataDir, { day: DAY, part: 0 }, bigDay());
  await using gateway = await rig.gateway({ GATEWAY_SILENT_MS: "300", GATEWAY_MAX_QUERIES: "1" });
  await untilReady(gateway);
  const { hostname, port } = new URL(gateway.url);
  using stopped = await Deno.connect({ hostname, port: Number(port) });
  const ask = `GET /ticks/EURUSD?format=csv HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`;
  await stopped.write(new TextEncoder().encode(ask));
  await stopped.read(new Uint8Array(100));

  const url = `${gateway.url}ticks/EURUSD?limit=1`;
  const refused = await fetch(url);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  await refused.body?.cancel();
  await untilAnswered(url);
});

Deno.test("a client that leaves ends the reading at once", async () => {
  await using rig = await Rig.open();
  await writeDayFile(rig.dataDir, { day: DAY, part: 0 }, bigDay());
  await using gateway = await rig.gateway({ GATEWAY_MAX_QUERIES: "1" });
  await untilReady(gateway);
  const response = await fetch(`${gateway.url}ticks/EURUSD?format=csv`);
  await response.body?.cancel();
  await untilAnswered(`${gateway.url}ticks/EURUSD?limit=1`);
});

Deno.test("a client that leaves before the first piece is made ends its making", async () => {
  const outgoing = new ServerResponse(new IncomingMessage(new Socket()));
  const answers = new RangeAnswers({ maxQueries: 1, silentMs: 60_000, events: gatewayEvents() });
  let begin = () => {};
  const begun = new Promise<void>((resolve) => begin = resolve);
  const answering = answers.respond({
    headers: {},
    // deno-lint-ignore require-yield
    async *chunks(signal) {
      begin();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  }, { method: "GET", outgoing });
  await begun;
  outgoing.emit("close");
  await (await answering).body?.cancel();
  assert.equal(answers.count, 0);
});

Deno.test("an answer that fails on the way does not end like a whole one", async () => {
  await using rig = await Rig.open();
  await writeDayFile(rig.dataDir, { day: DAY, part: 0 }, bigDay(50_000));
  await writeDayFile(rig.dataDir, { day: DAY + 1, part: 0 }, "no row\n");
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  for (const format of ["csv", "json&limit=100000", "parquet"]) {
    // The connection may break before even the headers have come.
    await assert.rejects(async () => {
      const response = await fetch(`${gateway.url}ticks/EURUSD?format=${format}`);
      await response.arrayBuffer();
    });
  }
  // Where nothing was sent yet, it is an error answer.
  for (const format of ["csv", "json", "parquet"]) {
    const from = startOfDayMs(DAY + 1);
    const response = await fetch(`${gateway.url}ticks/EURUSD?from=${from}&format=${format}`);
    assert.equal(response.status, 500);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    await response.body?.cancel();
  }
});

Deno.test("HEAD tells what an answer would be and reads nothing", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway({ GATEWAY_MAX_QUERIES: "1" });
  await untilReady(gateway);
  for (let count = 0; count < 3; count++) {
    const head = await fetch(`${gateway.url}ticks/EURUSD?format=parquet`, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get("content-type"), "application/vnd.apache.parquet");
    assert.equal(await head.text(), "");
  }
  const wrong = await fetch(`${gateway.url}ticks/EURUSD?format=xml`, { method: "HEAD" });
  assert.equal(wrong.status, 400);
  await wrong.body?.cancel();
});
