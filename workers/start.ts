import config from "../deno.json" with { type: "json" };
import { REPLAY_HELP, settingsFromFlags, wantsHelp } from "../lib/bridge/replay_flags.ts";
import { openChannel } from "../lib/log/open_channel.ts";
import { FolderLock } from "../lib/program/folder_lock.ts";
import { messageOf } from "../lib/program/errors.ts";
import { type PermissionSet, permissionsOf, type ProgramName } from "../lib/program/permissions.ts";
import { checkPort } from "../lib/program/ports.ts";
import { onStopSignal } from "../lib/program/run.ts";
import { environment, readSettings, type SettingTexts } from "../lib/program/settings.ts";
import * as shared from "../lib/program/shared_settings.ts";
import { StatusPanel } from "../lib/program/status_panel.ts";
import { StartFailed, Supervised } from "../lib/program/supervisor.ts";

/** All programs in one process, each a Web Worker with permissions of its own. */

const MODULES: Record<ProgramName, URL> = {
  bridge: new URL("../bridge/main.ts", import.meta.url),
  collector: new URL("./collector/main.ts", import.meta.url),
  writer: new URL("./writer/main.ts", import.meta.url),
  gateway: new URL("./gateway/main.ts", import.meta.url),
  health: new URL("./health/main.ts", import.meta.url),
};
const SETS: Readonly<Record<ProgramName, PermissionSet>> = config.permissions;
/** A program that has been silent this long is started anew; health calls it missing before that. */
const SILENT_MS = 15_000;

async function start(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) {
    console.log(REPLAY_HELP);
    return 0;
  }
  const env = environment(config.permissions.start.env.allow);
  const asked = { ...env, ...settingsFromFlags(args) };
  // The bridge stays until the rest is done: a collector that is started again reads from it again.
  const once = asked.ONCE ?? asked.REPLAY_ONCE ?? asked.SIMULATED_ONCE ?? "0";
  const texts: SettingTexts = {
    ...asked,
    ONCE: once,
    REPLAY_ONCE: "0",
    ARBITREX_EMBEDDED: "1",
  };
  const {
    dataKind,
    dataDir: ownDir,
    bindHost,
    gatewayPort,
    healthPort,
    bridgePort,
    redisUrl,
    logBackend,
    drainMs,
  } = readSettings(shared.startSettings, texts);
  const dataDir = shared.dataDirOf({ dataDir: ownDir, dataKind });
  using lock = await FolderLock.tryTake(dataDir, "start");
  if (lock === undefined) {
    throw new Error(
      `Cannot start with the data folder ${dataDir}: it is in use by ${await FolderLock.ownerOf(
        dataDir,
        "start",
      )}; stop that, or set DATA_DIR to another folder`,
    );
  }
  await checkPort({ hostname: bindHost, port: gatewayPort, setting: "GATEWAY_PORT" });
  await checkPort({ hostname: bindHost, port: healthPort, setting: "HEALTH_PORT" });
  await checkPort({ hostname: "127.0.0.1", port: bridgePort, setting: "BRIDGE_PORT" });

  const panel = new StatusPanel(terminal());
  const stop = new AbortController();
  onStopSignal(() => {
    if (!stop.signal.aborted) panel.print("stopping: finishing what has been appended");
    stop.abort();
  });
  const programs = new Map<ProgramName, Supervised>();
  const spawn = (
    name: ProgramName,
    facts: Record<string, string> = {},
  ): Promise<Readonly<Record<string, string>>> => {
    const settings = { ...textsOf(name, texts), ...facts };
    const places = {
      dataDir,
      bindHost,
      bridgeHost: texts.BRIDGE_HOST ?? "127.0.0.1",
      gatewayPort,
      healthPort,
      redisUrl,
      readFiles: filesIn(texts),
      bridgePort: Number(facts.BRIDGE_PORT ?? bridgePort),
    };
    const program = new Supervised({
      name,
      url: MODULES[name],
      permissions: permissionsOf(name, SETS[name], places),
      settings,
      onLog: (line) => panel.print(line),
      onRestart: (why) => panel.print(`${name} ended and is started again: ${why}`),
    });
    programs.set(name, program);
    return program.ready;
  };

  await using channel = openChannel({
    embedded: true,
    redisUrl,
    backend: logBackend,
    kind: dataKind,
    dataDir,
    healthPort,
    role: "program",
  });
  const beatAt = new Map<string, number>();
  channel.subscribe("beat", ({ program, level, status }) => {
    beatAt.set(program, performance.now());
    panel.set(program, { level, status });
  });
  const drawing = setInterval(() => {
    panel.draw();
    for (const [name, program] of programs) {
      const at = beatAt.get(name);
      if (at === undefined || performance.now() - at < SILENT_MS) continue;
      beatAt.delete(name);
      program.replace(`silent for ${SILENT_MS / 1000} s`);
    }
  }, 1_000);

  try {
    const bridge = await spawn("bridge");
    const collector = spawn("collector", { BRIDGE_PORT: portOf(bridge.address ?? "") });
    const [gateway, health] = await Promise.all([
      spawn("gateway"),
      spawn("health"),
      spawn("writer"),
      collector,
    ]);
    panel.print(`page    ${gateway.url ?? ""}`);
    panel.print(`health  ${health.url ?? ""}health`);
    panel.print(`files   ${dataDir}/ticks`);
    const over = texts.ONCE === "1" ? programs.get("writer")?.finished : undefined;
    await Promise.race([aborted(stop.signal), ...(over === undefined ? [] : [over])]);
  } finally {
    await drain(programs, drainMs);
    clearInterval(drawing);
  }
  panel.print("stopped: everything that was appended is on disk");
  return 0;
}

/** First those who add, then those who write it down, then those who show it. */
async function drain(
  programs: ReadonlyMap<ProgramName, Supervised>,
  drainMs: number,
): Promise<void> {
  const late = setTimeout(() => {
    console.error(`Cannot finish within ${drainMs} ms (DRAIN_MS): ending`);
    Deno.exit(1);
  }, drainMs);
  const orders: ProgramName[][] = [["collector"], ["bridge", "writer"], ["gateway", "health"]];
  for (const names of orders) {
    await Promise.all(names.map((name) => programs.get(name)?.drain()));
  }
  clearTimeout(late);
}

/** A program is handed the variables that its permission set names, and no others. */
function textsOf(name: ProgramName, texts: SettingTexts): Record<string, string> {
  const own: Record<string, string> = {};
  for (const variable of SETS[name].env?.allow ?? []) {
    const text = texts[variable];
    if (text !== undefined) own[variable] = text;
  }
  return own;
}

/** Recordings and the mapping that describes them. */
function filesIn(texts: SettingTexts): string[] {
  const files: unknown = JSON.parse(texts.REPLAY_FILES ?? "[]");
  const named = [texts.REPLAY_MAPPING, texts.BRIDGE_CERT_FILE, texts.BRIDGE_KEY_FILE];
  return [...(Array.isArray(files) ? files : []), ...named].filter((file) =>
    typeof file === "string"
  );
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}

function terminal() {
  const isTerminal = Deno.stdout.isTerminal();
  const encoder = new TextEncoder();
  return {
    write: (text: string) => void Deno.stdout.writeSync(encoder.encode(text)),
    isTerminal,
    width: isTerminal ? Deno.consoleSize().columns : 200,
    repeatMs: 30_000,
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

try {
  Deno.exit(await start(Deno.args));
} catch (cause) {
  console.error(messageOf(cause));
  Deno.exit(cause instanceof StartFailed ? 1 : 2);
}
