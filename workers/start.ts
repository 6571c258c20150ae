import config from "../deno.json" with { type: "json" };
import { REPLAY_HELP, settingsFromFlags, wantsHelp } from "../lib/bridge/replay_flags.ts";
import { filesOfSource, interpretersOfSource, kindOfSource } from "../lib/bridge/source_needs.ts";
import { mirrorSettings } from "../lib/log/mirror_settings.ts";
import { calendarSettings } from "../lib/time/calendar/settings.ts";
import { openChannel } from "../lib/log/open_channel.ts";
import { Ensemble } from "../lib/program/ensemble.ts";
import { messageOf } from "../lib/program/errors.ts";
import { FolderLock } from "../lib/program/folder_lock.ts";
import { allowedInterpreters } from "../lib/program/interpreters.ts";
import { settlePort } from "../lib/program/ports.ts";
import { onStopSignal } from "../lib/program/run.ts";
import {
  environment,
  readSettings,
  SettingsError,
  type SettingTexts,
} from "../lib/program/settings.ts";
import { dataDirOf, type DataKind, startSettings } from "../lib/program/shared_settings.ts";
import { StatusPanel, terminal } from "../lib/program/status_panel.ts";
import { StartFailed } from "../lib/program/supervisor.ts";

/** All programs in one process, each a Web Worker with permissions of its own. */

const MODULES = {
  bridge: new URL("../bridge/main.ts", import.meta.url),
  collector: new URL("./collector/main.ts", import.meta.url),
  writer: new URL("./writer/main.ts", import.meta.url),
  gateway: new URL("./gateway/main.ts", import.meta.url),
  health: new URL("./health/main.ts", import.meta.url),
};

async function start(args: readonly string[]): Promise<void> {
  if (wantsHelp(args)) return console.log(REPLAY_HELP);
  const given = { ...environment(config.permissions.start.env.allow), ...settingsFromFlags(args) };
  const asked: SettingTexts = { ...given, DATA_KIND: given.DATA_KIND || kindOfSource(given) };
  const settings = readSettings(
    { ...startSettings, ...mirrorSettings, ...calendarSettings },
    asked,
  );
  const { dataKind: kind, bindHost, bridgeHost, redisUrl, prometheusPort, logBackend: backend } =
    settings;
  refuseOtherKind(kind, kindOfSource(given));
  const { kafkaServers = [], kafkaCa, kafkaDisabled } = settings;
  const dataDir = dataDirOf(settings);
  using lock = await FolderLock.tryTake(dataDir, "start");
  if (lock === undefined) {
    const owner = await FolderLock.ownerOf(dataDir, "start");
    throw new Error(
      `Cannot start with the data folder ${dataDir}: it is in use by ${owner}; stop that, or set DATA_DIR to another folder`,
    );
  }
  const ports = {
    gatewayPort: await settlePort({
      hostname: bindHost,
      port: settings.gatewayPort,
      setting: "GATEWAY_PORT",
    }),
    healthPort: await settlePort({
      hostname: bindHost,
      port: settings.healthPort,
      setting: "HEALTH_PORT",
    }),
    bridgePort: await settlePort({
      hostname: bridgeHost,
      port: settings.bridgePort,
      setting: "BRIDGE_PORT",
    }),
  };
  // The bridge stays until the rest is done: a collector that is started again reads from it again.
  const once = asked.ONCE ?? asked.REPLAY_ONCE ?? asked.SIMULATED_ONCE ?? "0";
  const texts: SettingTexts = {
    ...asked,
    ONCE: once,
    REPLAY_ONCE: "0",
    ARBITREX_EMBEDDED: "1",
    GATEWAY_PORT: `${ports.gatewayPort}`,
    HEALTH_PORT: `${ports.healthPort}`,
    BRIDGE_PORT: `${ports.bridgePort}`,
  };
  const { healthPort } = ports;
  await using channel = openChannel({
    embedded: true,
    redisUrl,
    backend,
    kind,
    dataDir,
    healthPort,
    role: "program",
  });
  const panel = new StatusPanel(terminal());
  const stop = Promise.withResolvers<void>();
  onStopSignal(() => {
    panel.print("stopping: finishing what has been appended");
    stop.resolve();
  });
  const places = {
    dataDir,
    bindHost,
    bridgeHost,
    redisUrl,
    prometheusPort,
    kafkaServers: kafkaDisabled ? [] : kafkaServers,
    kafkaFiles: kafkaDisabled || kafkaCa === undefined ? [] : [kafkaCa],
    readFiles: filesOfSource(asked),
    symbolCalendarMap: settings.symbolCalendarMap,
    interpreters: allowedInterpreters(interpretersOfSource(asked)),
    ...ports,
  };
  using programs = new Ensemble({
    modules: MODULES,
    sets: config.permissions,
    texts,
    places,
    panel,
    channel,
  });
  try {
    // Each finds what it reads: the collector the bridge, the others a log that is open for ticks.
    await programs.start("bridge");
    await programs.start("collector");
    const workers = (["gateway", "health", "writer"] as const).map((name) => programs.start(name));
    const [gateway, health] = await Promise.all(workers);
    panel.print(`page    ${gateway?.url ?? ""}`);
    panel.print(`health  ${health?.url ?? ""}health`);
    panel.print(`files   ${dataDir}/ticks`);
    await Promise.race([stop.promise, ...(once === "1" ? [programs.finished("writer")] : [])]);
  } finally {
    const late = setTimeout(() => {
      console.error(`Cannot finish within ${settings.drainMs} ms (DRAIN_MS): ending`);
      Deno.exit(1);
    }, settings.drainMs);
    await programs.drain();
    clearTimeout(late);
  }
  panel.print("stopped: everything that was appended is on disk");
}

/** Data of one kind never go where those of another are: no program could do anything. */
function refuseOtherKind(asked: DataKind, ofSource: DataKind): void {
  if (asked === ofSource) return;
  throw new SettingsError(
    `Cannot read DATA_KIND: the ticks of SOURCE are ${ofSource}: current value is "${asked}"`,
  );
}

try {
  await start(Deno.args);
  Deno.exit(0);
} catch (cause) {
  console.error(messageOf(cause));
  Deno.exit(cause instanceof StartFailed ? 1 : 2);
}
