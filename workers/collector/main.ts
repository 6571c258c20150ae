import { openDataFolder } from "../../lib/capture/data_folder.ts";
import { FeedHoles } from "../../lib/capture/feed_holes.ts";
import { openChannel } from "../../lib/log/open_channel.ts";
import { openLog } from "../../lib/log/open_log.ts";
import type { TickLog } from "../../lib/log/tick_log.ts";
import { SpillingTickLog } from "../../lib/log/tick_log_spilling.ts";
import { pause } from "../../lib/program/pause.ts";
import { startBeat } from "../../lib/program/beat.ts";
import { runProgram } from "../../lib/program/run.ts";
import { dataDirOf, type DataKind } from "../../lib/program/shared_settings.ts";
import { collect } from "./collect.ts";
import { Collecting } from "./collecting.ts";
import { collectorSettings } from "./config.ts";
import { DeadLetters } from "./dead_letters.ts";
import { collectorEvents } from "./events.ts";
import type { CaptureFrom } from "./session.ts";
import { reopen } from "./marks.ts";
import { retain } from "./retention.ts";

/** An invented market has a past at once, so that a quiet symbol has a price and a chart has a line. */
const INVENTED_PAST_MS = 300_000;

function defaultCaptureFrom(kind: DataKind): CaptureFrom {
  if (kind === "simulated") return new Date(Date.now() - INVENTED_PAST_MS);
  return kind === "replay" ? "start" : "now";
}

/** What waits for Redis in the journal is not seen by anyone yet: the work is over when it is. */
async function handedOn(log: TickLog, signal: AbortSignal): Promise<void> {
  while (log instanceof SpillingTickLog && log.spill !== undefined && !signal.aborted) {
    await pause(50, signal);
  }
}

runProgram({
  name: "collector",
  settings: collectorSettings,
  async run({ settings, shared, signal, ready }) {
    const dataDir = dataDirOf(shared), kind = shared.dataKind;
    const { logBackend: backend, redisUrl, healthPort, overlapMs, journalMaxTicks } = settings;
    await openDataFolder(dataDir, kind);
    await using log = await openLog({ backend, redisUrl, dataDir, kind, journalMaxTicks });
    const { embedded } = shared;
    await using channel = openChannel({
      embedded,
      redisUrl,
      backend,
      kind,
      dataDir,
      healthPort,
      role: "program",
    });
    const events = collectorEvents();
    const collecting = new Collecting(log);
    await using _beating = startBeat({
      program: "collector",
      channel,
      telemetry: events.telemetry,
      describe: () => collecting.describe(),
      signal,
    });
    const over = new AbortController();
    const retaining = retain({
      log,
      events,
      overlapMs,
      maxAgeMs: settings.retentionHours * 3_600_000,
      maxCount: settings.retentionTicks,
      nowMs: () => collecting.nowUtcMs,
      intervalMs: 60_000,
      signal: AbortSignal.any([signal, over.signal]),
    });
    await reopen(log);
    ready({});
    const { bridgeHost: host, bridgePort: port, bridgeToken: token, bridgeCa } = settings;
    const tls = bridgeCa === undefined
      ? undefined
      : { caCerts: [await Deno.readTextFile(bridgeCa)] };
    await collect({
      ...settings,
      log,
      channel,
      events,
      collecting,
      kind,
      captureFrom: settings.captureFrom ?? defaultCaptureFrom(kind),
      signal,
      bridge: { host, port, token, tls },
      deadLetters: new DeadLetters(dataDir),
      holes: await FeedHoles.open(dataDir),
    });
    await handedOn(log, signal);
    over.abort();
    await retaining;
  },
});
