import assert from "node:assert/strict";
import { dataFile, isThere, priceKey, readCaptured, readQuoteDay, tickFiles } from "./recorded.ts";
import { Rig, type Shape } from "./rig.ts";
import { redisIsInstalled } from "../support/redis_server.ts";

/** A recorded day through the whole system at full speed, compared line by line. */

const SAMPLE_SHAPES: readonly Shape[] = ["embedded", "processes", "redis_everysec"];
const DAYS = [
  {
    path: "ticks/lean_oanda/tick/eurusd/20140506_quote.zip",
    offsetMs: 0,
    rows: { "2014-05-06.csv": 44_864 },
  },
  {
    path: "ticks/lean_fxcm/tick/eurusd/20140506_quote.zip",
    offsetMs: -5 * 3_600_000,
    rows: { "2014-05-06.csv": 95_696, "2014-05-07.csv": 6_986 },
  },
];

for (const shape of SAMPLE_SHAPES) {
  for (const { path, offsetMs, rows } of DAYS) {
    Deno.test({
      name: `${shape}: ${path} becomes sealed day files that equal it line by line`,
      ignore: !isThere(path) || (shape.startsWith("redis") && !redisIsInstalled()),
      async fn() {
        await using rig = await Rig.open({
          shape,
          settings: { DATA_KIND: "replay", CAPTURE_FROM: "start", ONCE: "1" },
          args: ["--replay", dataFile(path), "--speed", "max", "--once"],
        });
        rig.startAll();
        for (
          const role of shape === "embedded" ? ["start"] as const : ["collector", "writer"] as const
        ) {
          assert.equal(await rig.ended(role), 0, rig.output);
        }
        const files = tickFiles(rig.dataDir, "EURUSD");
        const captured = files.map((file) =>
          [file.slice(file.lastIndexOf("/") + 1), readCaptured(file)] as const
        );
        assert.deepEqual(
          Object.fromEntries(captured.map(([name, list]) => [name, list.length])),
          rows,
          rig.output,
        );
        const got = captured.flatMap(([, list]) => list.map(priceKey));
        assert.deepEqual(got, readQuoteDay(path, offsetMs).map(priceKey));
        for (const [, list] of captured) {
          for (const row of list) assert.equal(row.brokerMs - row.utcMs, offsetMs);
        }
      },
    });
  }
}

Deno.test({
  name: "a second recording joins the folder of the first, and both days are sealed",
  ignore: !DAYS.every(({ path }) => isThere(path)),
  async fn() {
    const first = "ticks/lean_oanda/tick/eurusd/20140506_quote.zip";
    const second = "ticks/lean_oanda/tick/eurusd/20140509_quote.zip";
    const folder = await Deno.makeTempDir({ prefix: "arbitrex-" });
    try {
      for (const path of [first, second, second]) {
        await using rig = await Rig.open({
          shape: "embedded",
          settings: { DATA_DIR: `${folder}/data` },
          args: ["--replay", dataFile(path), "--speed", "max", "--once"],
          dir: folder,
        });
        rig.startAll();
        assert.equal(await rig.ended("start"), 0, rig.output);
      }
      const rows = Object.fromEntries(
        tickFiles(`${folder}/data`, "EURUSD").map((
          file,
        ) => [file.slice(-14), readCaptured(file).length]),
      );
      assert.deepEqual(rows, { "2014-05-06.csv": 44_864, "2014-05-09.csv": 47_634 });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
