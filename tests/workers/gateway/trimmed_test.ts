import assert from "node:assert/strict";
import { parseId } from "../../../lib/market/tick_id.ts";
import { WsClient } from "../../support/ws_client.ts";
import { Rig, untilReady } from "./rig.ts";

/** Trims all but the newest `keep` ticks, as if the writer had them on disk. */
async function trim(rig: Rig, { symbol, lastId, keep }: {
  symbol: string;
  lastId: string;
  keep: number;
}): Promise<string> {
  await rig.log.commit("writer", new Map([[symbol, parseId(lastId)]]));
  const nowMs = parseId(lastId).ms;
  const policy = { maxAgeMs: 86_400_000, maxCount: keep, nowMs, readers: ["writer"] };
  await rig.log.trim({ ...policy, overlapMs: 0 });
  const trimmed = (await rig.log.checkpoint(symbol))?.trimmedId;
  return `${trimmed?.ms}-${trimmed?.n}`;
}

Deno.test("ticks that were trimmed before the gateway read them are told before those after them", async () => {
  await using rig = await Rig.open();
  const [first] = await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  await using client = await WsClient.open(gateway.wsUrl);
  client.send({ subscribe: ["EURUSD"] });
  await client.until((it) => it.ofType("snapshot").length === 1, "the snapshot");
  // No turn of the event loop from here to the trim, so the gateway cannot read in between.
  const ids: string[] = [];
  for (let round = 0; round < 10; round++) ids.push(...await rig.appendUnseen("EURUSD", 3));
  const trimmed = await trim(rig, { symbol: "EURUSD", lastId: ids.at(-1) ?? "", keep: 6 });
  const kept = ids.slice(ids.indexOf(trimmed) + 1);
  assert.ok(kept.length >= 6 && kept.length < ids.length, `${kept.length} of ${ids.length} kept`);

  ids.push(...await rig.append("EURUSD", 1));
  kept.push(ids.at(-1) ?? "");
  await client.until((it) => it.ids().at(-1) === ids.at(-1), "the newest tick");
  assert.deepEqual(client.messages.slice(2).map(({ type, id }) => id ?? type), ["gap", ...kept]);
  const nth = (id = "") => `${parseId(id).ms}-${parseId(id).n + 1}`;
  assert.deepEqual(client.ofType("gap"), [{
    type: "gap",
    symbol: "EURUSD",
    from: nth(first),
    to: nth(trimmed),
    reason: "log_trimmed",
  }]);
  // A resume from before the hole may not pretend that there is none.
  await using late = await WsClient.open(gateway.wsUrl);
  late.send({ subscribe: ["EURUSD"], after: { EURUSD: `${await rig.log.epoch()}:${first}` } });
  await late.until((it) => it.ofType("recovered").length === 1, "the answer");
  assert.equal(late.ofType("recovered")[0]?.reason, "trimmed");
});

Deno.test("ticks that are trimmed after they were sent are no gap", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  await using client = await WsClient.open(gateway.wsUrl);
  client.send({ subscribe: ["EURUSD"], snapshot: false });
  await client.until(({ messages }) => messages.length === 1, "the answer");
  const ids: string[] = [];
  for (let round = 0; round < 10; round++) ids.push(...await rig.append("EURUSD", 3));
  await client.until((it) => it.ids().length === ids.length, "all ticks");
  const trimmed = await trim(rig, { symbol: "EURUSD", lastId: ids.at(-1) ?? "", keep: 6 });
  assert.ok(ids.includes(trimmed), "the log has trimmed something");
  ids.push(...await rig.append("EURUSD", 3));
  await client.until((it) => it.ids().at(-1) === ids.at(-1), "the newest tick");
  assert.deepEqual(client.ids(), ids);
  assert.deepEqual(client.ofType("gap"), []);
});
