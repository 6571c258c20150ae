import assert from "node:assert/strict";
import { Rig, type RunningGateway, untilReady } from "./rig.ts";

interface ServerEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** An event stream read over real HTTP, as an EventSource reads it. */
class EventClient implements AsyncDisposable {
  readonly events: ServerEvent[] = [];
  readonly #abort = new AbortController();
  #reading: Promise<void> = Promise.resolve();

  static async open(
    gateway: RunningGateway,
    query: string,
    headers: Record<string, string> = {},
  ): Promise<EventClient> {
    const client = new EventClient();
    const response = await fetch(`${gateway.url}sse?${query}`, {
      headers,
      signal: client.#abort.signal,
    });
    assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    client.#reading = client.#read(response).catch(() => {});
    return client;
  }

  async #read(response: Response): Promise<void> {
    let text = "";
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) if (!block.startsWith(":")) this.events.push(parse(block));
    }
  }

  ids(): string[] {
    return this.events.filter(({ event, data }) => event === "tick" && data.type === "tick")
      .map(({ data }) => String(data.id));
  }

  async until(fits: (client: EventClient) => boolean): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (!fits(this)) {
      if (performance.now() > deadline) {
        throw new Error(`Cannot see it in ${JSON.stringify(this.events.slice(-5))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reading;
  }
}

function parse(block: string): ServerEvent {
  const field = (name: string) =>
    block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  return { event: field("event") ?? "", id: field("id"), data: JSON.parse(field("data") ?? "{}") };
}

Deno.test("an event stream resumes from its position token without a hole in any symbol", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 2);
  await rig.append("GBPUSD", 2);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  let token = "";
  const live: string[] = [];
  {
    await using client = await EventClient.open(gateway, "symbols=EURUSD,GBPUSD");
    await client.until(({ events }) => events.some(({ event }) => event === "position"));
    assert.deepEqual(client.events.map(({ event, data }) => data.type ?? event), [
      "status",
      "snapshot",
      "snapshot",
      "position",
    ]);
    live.push(...await rig.append("EURUSD", 5), ...await rig.append("GBPUSD", 5));
    await client.until((it) => it.ids().length === 10);
    assert.ok(
      client.events.every(({ event, id }) => (event === "position") === (id !== undefined)),
    );
    const positions = () => client.events.filter(({ event }) => event === "position");
    await client.until(() => positions().length >= 2);
    token = positions().at(-1)?.id ?? "";
  }
  const missed = [...await rig.append("EURUSD", 7), ...await rig.append("GBPUSD", 8)];
  await using client = await EventClient.open(gateway, "symbols=EURUSD,GBPUSD", {
    "last-event-id": token,
  });
  await client.until((it) => missed.every((id) => it.ids().includes(id)));
  assert.deepEqual(client.ids().filter((id) => !live.includes(id)).sort(), missed.sort());
  const recovered = client.events.filter(({ data }) => data.type === "recovered");
  assert.deepEqual(recovered.map(({ data }) => data.recovered), [true, true]);
});

Deno.test("a forged token recovers nothing and says so", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 2);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const forged = `${btoa(JSON.stringify({ e: await rig.log.epoch(), p: {} }))}.AAAA`;
  await using client = await EventClient.open(gateway, `symbols=EURUSD&after=${forged}`);
  await client.until(({ events }) => events.some(({ data }) => data.type === "snapshot"));
  const recovered = client.events.find(({ data }) => data.type === "recovered")?.data;
  assert.deepEqual(recovered, {
    type: "recovered",
    symbol: "EURUSD",
    recovered: false,
    reason: "epoch",
  });
});

Deno.test("an unknown symbol is an error answer that names it", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 2);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const response = await fetch(`${gateway.url}sse?symbols=NOSUCH`);
  assert.equal(response.status, 404);
  assert.equal((await response.json()).value, "NOSUCH");
});
