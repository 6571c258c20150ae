import { openChannel } from "../../lib/log/open_channel.ts";
import { startBeat } from "../../lib/program/beat.ts";
import { isWebWorker, type Running, runProgram } from "../../lib/program/run.ts";
import { dataDirOf } from "../../lib/program/shared_settings.ts";
import { healthApp, metricsApp } from "./app.ts";
import { runCli } from "./cli.ts";
import { healthSettings } from "./config.ts";
import { healthEvents } from "./events.ts";
import { measuring } from "./measure.ts";
import { serve } from "./serve.ts";
import { Watch } from "./watch.ts";

async function run(running: Running<typeof healthSettings>): Promise<void> {
  const { settings, shared, signal, ready } = running;
  const { healthPort, redisUrl, logBackend: backend } = settings;
  const dataDir = dataDirOf(shared);
  const kind = shared.dataKind;
  const events = healthEvents();
  using own = measuring({ ...settings, dataDir });
  const watch = new Watch({ ...settings, kind, events, measure: own.measure });
  await using channel = openChannel({
    embedded: shared.embedded,
    redisUrl,
    backend,
    kind,
    dataDir,
    healthPort,
    role: "health",
  });
  channel.subscribe("beat", (beat) => watch.hear(beat));
  await using _beat = startBeat({
    program: "health",
    channel,
    telemetry: events.telemetry,
    describe: () => watch.describe(),
    signal,
    // In one process the others are Web Workers: health speaks for the process they share.
    wholeProcess: true,
  });
  const app = healthApp({ watch, events, signal });
  const { bindHost: host, prometheusPort } = settings;
  await using server = await serve(app, { host, port: healthPort, setting: "HEALTH_PORT" });
  await using _scraped = prometheusPort === undefined
    ? undefined
    : await serve(metricsApp({ watch, events }), {
      host,
      port: prometheusPort,
      setting: "PROMETHEUS_PORT",
    });
  ready({ url: server.url });
  await watch.run(signal);
}

// Any argument makes this the command line of a running health program.
if (!isWebWorker() && Deno.args.length > 0) Deno.exit(await runCli(Deno.args));
runProgram({ name: "health", settings: healthSettings, run });
