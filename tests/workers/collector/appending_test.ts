import assert from "node:assert/strict";
import type { Channel } from "../../../lib/log/channel.ts";
import type { Appended, TickMirror } from "../../../lib/log/mirror.ts";
import { SqliteTickLog } from "../../../lib/log/tick_log_sqlite.ts";
import { NO_TICK } from "../../../lib/market/tick_id.ts";
import { Appending, TailMoved } from "../../../workers/collector/appending.ts";
import { collectorEvents } from "../../../workers/collector/events.ts";
import { DAY, FEED, ticksAt } from "../../contract/tick_log_suite.ts";
import { tempFolder } from "../../support/temp_folder.ts";

Deno.test("a mirror is offered what the log has stored, with its ids, and nothing else", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: folder.path, kind: "simulated" });
  const offered: Appended[] = [];
  const mirror: TickMirror = {
    offer: (appended) => void offered.push(appended),
    describe: () => {
      throw new Error("Cannot describe a mirror that only listens");
    },
    async [Symbol.asyncDispose]() {},
  };
  const channel: Channel = {
    publish() {},
    subscribe: () => () => {},
    async [Symbol.asyncDispose]() {},
  };
  const { signal } = new AbortController();
  const from = (tail = NO_TICK) =>
    new Appending({
      log,
      mirror,
      channel,
      events: collectorEvents(),
      epoch: "",
      feeds: new Map([["EURUSD", FEED]]),
      tails: new Map([["EURUSD", tail]]),
      signal,
    });
  const appending = from();
  await appending.append(new Map([["EURUSD", ticksAt(DAY, DAY)]]));
  await appending.append(new Map([["EURUSD", ticksAt(DAY + 5)]]));
  const stale = from();
  await assert.rejects(stale.append(new Map([["EURUSD", ticksAt(DAY + 9)]])), TailMoved);
  const newest = await log.newest("EURUSD", 10);
  assert.deepEqual(newest.at(-1)?.lastId, { ms: DAY + 5, n: 0 });
  assert.deepEqual(
    offered.map(({ symbol, feed, after, firstId, lastId, ticks }) => {
      return { symbol, feed, after, firstId, lastId, count: ticks.count };
    }),
    [
      {
        symbol: "EURUSD",
        feed: FEED,
        after: NO_TICK,
        firstId: { ms: DAY, n: 0 },
        lastId: { ms: DAY, n: 1 },
        count: 2,
      },
      {
        symbol: "EURUSD",
        feed: FEED,
        after: { ms: DAY, n: 1 },
        firstId: { ms: DAY + 5, n: 0 },
        lastId: { ms: DAY + 5, n: 0 },
        count: 1,
      },
    ],
  );
});
