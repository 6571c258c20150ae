import { bridgeAddress } from "../../lib/bridge/bridge_address.ts";
import { openDataFolder } from "../../lib/capture/data_folder.ts";
import { openChannel } from "../../lib/log/open_channel.ts";
import { openLog } from "../../lib/log/open_log.ts";
import { openMirror } from "../../lib/log/open_mirror.ts";
import type { TickLog } from "../../lib/log/tick_log.ts";
import { SpillingTickLog } from "../../lib/log/tick_log_spilling.ts";
import { pause } from "../../lib/program/pause.ts";
import { Calendars } from "../../lib/time/calendar/calendars.ts";
import { startBeat } from "../../lib/program/beat.ts";
import { runProgram } from "../../lib/program/run.ts";
import { dataDirOf, type DataKind } from "../../lib/program/shared_settings.ts";
import { choosing } from "./choosing.ts";
import { collectorSettings } from "./config.ts";
import { DeadLetters } from "./dead_letters.ts";
import { describe } from "./describe.ts";
import { collectorEvents } from "./events.ts";
import type { CaptureFrom } from "./resumption.ts";
import { reopen } from "./marks.ts";
import { retain } from "./retention.ts";
import { Sessions } from "./sessions.ts";

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
    await using mirror = await openMirror({ settings, kind, telemetry: events.telemetry });
    // Only a real feed keeps the market's hours.
    using calendars = kind !== "raw" ? undefined : await Calendars.open({
      dataDir,
      mapFile: settings.symbolCalendarMap,
      use: settings.marketCalendar,
      onProblem: events.calendarProblem,
    });
    const sessions = new Sessions({
      ...settings,
      log,
      channel,
      mirror,
      events,
      kind,
      dataDir,
      calendars,
      choose: choosing({ dataDir, kind, symbols: settings.symbols, events }),
      // Only a vendor changes what it says of its symbols.
      specsEveryMs: kind === "raw" ? settings.specsEveryMs : undefined,
      captureFrom: settings.captureFrom ?? defaultCaptureFrom(kind),
      signal,
      bridge: await bridgeAddress(settings),
      deadLetters: new DeadLetters(dataDir),
    });
    await using _beating = startBeat({
      program: "collector",
      channel,
      telemetry: events.telemetry,
      describe: () => describe({ log, mirror, sessions: sessions.collecting, why: sessions.why }),
      signal,
    });
    const over = new AbortController();
    const retaining = retain({
      log,
      events,
      overlapMs,
      maxAgeMs: settings.retentionHours * 3_600_000,
      maxCount: settings.retentionTicks,
      nowMs: () => sessions.nowUtcMs,
      intervalMs: 60_000,
      signal: AbortSignal.any([signal, over.signal]),
    });
    await reopen(log);
    ready({});
    await sessions.run();
    await handedOn(log, signal);
    over.abort();
    await retaining;
  },
});
