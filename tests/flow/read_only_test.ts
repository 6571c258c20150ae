import assert from "node:assert/strict";
import { clientMessage } from "../../lib/bridge/messages.ts";

/** Nothing here can trade: no program holds the vendors' order calls, and the bridge has no such request. */

const ROOT = new URL("../../", import.meta.url);
const ORDER_CALLS =
  /order_send|order_check|OrderSend|order_calc|positions?_(open|close|modify)|create_order_request|createOrder|placeOrder|send_request|trade_request/i;

async function* sources(folder: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), folder);
    if (entry.isDirectory) yield* sources(url);
    else if (/\.(ts|py)$/.test(entry.name)) yield url;
  }
}

Deno.test("no program holds a call that could place, change or close an order", async () => {
  let files = 0;
  for (const part of ["bridge/", "workers/", "lib/"]) {
    for await (const url of sources(new URL(part, ROOT))) {
      files++;
      assert.doesNotMatch(await Deno.readTextFile(url), ORDER_CALLS, url.pathname);
    }
  }
  assert.ok(files > 100, `${files} files were read`);
});

Deno.test("the bridge's protocol knows messages that read, and no others", () => {
  const types = clientMessage.options.map((option) => option.shape.type.value);
  assert.deepEqual(types.sort(), [
    "account",
    "bars",
    "goodbye",
    "heartbeat",
    "specs",
    "stop",
    "symbols",
    "ticks",
  ]);
  for (const type of ["order", "trade", "order_send"]) {
    const parsed = clientMessage.safeParse({ type, id: 1, symbol: "EURUSD", volume: 1 });
    assert.equal(parsed.success, false, type);
  }
});
