import assert from "node:assert/strict";
import { BroadcastTwin } from "../../../lib/log/channel_broadcast.ts";
import { RedisTwin } from "../../../lib/log/channel_redis.ts";
import type { FromProgram } from "../../../lib/program/run.ts";
import { frozenBeat } from "../../contract/channel_suite.ts";
import { until } from "../../support/until.ts";
import { redisIsInstalled, startRedis } from "../../support/redis_server.ts";
import { startHealth } from "./health_process.ts";

Deno.test("in one process health hears the broadcast of the other threads, and drains", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_health_" });
  const main = new URL("../../../workers/health/main.ts", import.meta.url).href;
  const worker = new Worker(main, { type: "module" });
  const told: FromProgram[] = [];
  worker.onmessage = ({ data }: MessageEvent<FromProgram>) => told.push(data);
  await until(() => told.some(({ type }) => type === "loaded"));
  const settings = {
    ARBITREX_EMBEDDED: "1",
    DATA_DIR: dataDir,
    HEALTH_PORT: "0",
    HEALTH_EXPECTED: "writer",
    LOG_LEVEL: "error",
  };
  worker.postMessage({ type: "start", settings });
  const ready = () => told.find((message) => message.type === "ready");
  await until(() => ready() !== undefined);
  await using channel = new BroadcastTwin({ kind: "simulated", dataDir });
  const heard: string[] = [];
  channel.subscribe(
    "beat",
    ({ program, leaving }) => heard.push(leaving ? `${program} leaves` : program),
  );
  await until(async () => {
    channel.publish("beat", frozenBeat);
    const response = await fetch(`${ready()?.facts.url}health`);
    await response.body?.cancel();
    return response.status === 200;
  });
  await until(() => heard.includes("health"));
  worker.postMessage({ type: "drain" });
  await until(() => told.some(({ type }) => type === "finished"));
  await until(() => heard.includes("health leaves"));
  worker.terminate();
  await Deno.remove(dataDir, { recursive: true });
});

const ignore = !redisIsInstalled();

Deno.test(
  "with Redis health hears beats there, and a Redis that goes away is critical",
  { ignore },
  async () => {
    await using redis = await startRedis();
    await using health = await startHealth({ REDIS_URL: redis.url, HEALTH_EXPECTED: "writer" });
    await using channel = new RedisTwin({ url: redis.url, prefix: "simulated:" });
    const levels = async () => JSON.parse((await health.get("/health")).body).components;
    await until(async () => {
      channel.publish("beat", frozenBeat);
      const { queue, redis } = await levels();
      return queue === "healthy" && redis === "healthy";
    });
    await redis.kill();
    await until(async () => (await levels()).redis === "critical", { timeoutMs: 30_000 });
    await redis.restart();
    await until(async () => {
      channel.publish("beat", frozenBeat);
      return (await health.get("/health")).status === 200;
    }, { timeoutMs: 30_000 });
    assert.ok(!health.output().includes(redis.url));
  },
);
