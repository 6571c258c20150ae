import { openDataFolder } from "../../lib/capture/data_folder.ts";
import { openChannel } from "../../lib/log/open_channel.ts";
import { openLogReader } from "../../lib/log/open_log.ts";
import { startBeat } from "../../lib/program/beat.ts";
import { telemetryOf } from "../../lib/program/events.ts";
import { type Running, runProgram } from "../../lib/program/run.ts";
import { dataDirOf } from "../../lib/program/shared_settings.ts";
import { startNightlyAudit } from "./audit/start.ts";
import { Captures } from "./captures.ts";
import { writerSettings } from "./config.ts";
import { writerEvents } from "./events.ts";
import { WriterHealth } from "./health.ts";
import { HeardHoles } from "./heard_holes.ts";
import { startCopies } from "./parquet/start.ts";
import { Peers } from "./peers.ts";
import { writeTicks } from "./write.ts";

async function run({ settings, shared, signal, ready }: Running<typeof writerSettings>) {
  const { dataKind: kind, embedded, drainMs } = shared;
  const { logBackend: backend, redisUrl, healthPort } = settings;
  const dataDir = dataDirOf(shared);
  const folder = await openDataFolder(dataDir, kind);
  const telemetry = telemetryOf("writer");
  const events = writerEvents(telemetry);
  await using copies = await startCopies(settings.parquet, { dataDir, telemetry, signal });
  const health = new WriterHealth({ ...settings, dataDir, copies });
  const place = { backend, redisUrl, kind, dataDir };
  await using channel = openChannel({ ...place, embedded, healthPort, role: "program" });
  await using log = await openLogReader({
    ...place,
    readerPositions: true,
    wake: (look) => channel.subscribe("wake", look),
  });
  await using _heard = new HeardHoles(channel, { dataDir, events });
  using peers = new Peers(channel);
  using captures = new Captures({ dataDir, maxSymbols: settings.maxSymbols, peers, events });
  const sealed = (path: string) => copies?.sealed(path);
  await using _auditing = startNightlyAudit(settings, {
    ...{ dataDir, kind, log, captures, events, health, sealed },
  });
  await using _beating = startBeat({
    program: "writer",
    channel,
    telemetry,
    describe: () => health.describe(),
    signal,
  });
  ready({ folder: dataDir });
  const folderId = folder.id;
  await writeTicks({
    ...settings,
    log,
    channel,
    dataDir,
    folderId,
    captures,
    events,
    health,
    sealed,
    drainMs,
    signal,
  });
  await copies?.finish();
}

runProgram({ name: "writer", settings: writerSettings, run });
