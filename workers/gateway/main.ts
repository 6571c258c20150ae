import { openChannel } from "../../lib/log/open_channel.ts";
import { openLogReader } from "../../lib/log/open_log.ts";
import { type Running, runProgram } from "../../lib/program/run.ts";
import { dataDirOf } from "../../lib/program/shared_settings.ts";
import { gatewaySettings } from "./config.ts";
import { gatewayEvents } from "./events.ts";
import { runGateway } from "./gateway.ts";
import { assets } from "./page/assets.ts";

async function run(running: Running<typeof gatewaySettings>): Promise<void> {
  const { settings, shared, signal, ready } = running;
  const { logBackend: backend, redisUrl, healthPort } = settings;
  const dataDir = dataDirOf(shared), kind = shared.dataKind;
  const place = { backend, redisUrl, dataDir, kind };
  await using channel = openChannel({
    ...place,
    embedded: shared.embedded,
    healthPort,
    role: "program",
  });
  await using reader = await openLogReader({
    ...place,
    readerPositions: false,
    // Only these shapes carry wake-ups; else the reader looks by itself, more often.
    ...(shared.embedded || redisUrl !== undefined
      ? { wake: (listener: () => void) => channel.subscribe("wake", listener) }
      : {}),
  });
  await runGateway({
    reader,
    channel,
    events: gatewayEvents(),
    settings,
    dataDir,
    dataKind: kind,
    assets,
    signal,
    ready,
  });
}

runProgram({ name: "gateway", settings: gatewaySettings, run });
