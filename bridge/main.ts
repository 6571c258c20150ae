import { REPLAY_HELP, settingsFromFlags, wantsHelp } from "../lib/bridge/replay_flags.ts";
import { telemetryOf } from "../lib/program/events.ts";
import { messageOf } from "../lib/program/errors.ts";
import { isWebWorker, runProgram } from "../lib/program/run.ts";
import { settings } from "./config.ts";
import { bridgeEvents } from "./events.ts";
import { openSessions } from "./open_sessions.ts";
import { serveBridge } from "./serve.ts";
import { tlsFiles } from "./tls_files.ts";

if (!isWebWorker()) readCommandLine();

runProgram({
  name: "bridge",
  settings,
  async run({ settings: set, signal, ready }) {
    const events = bridgeEvents(telemetryOf("bridge"));
    // Before the sessions: no login is begun for a bridge that cannot serve.
    const tls = await tlsFiles(set);
    await using sessions = await openSessions(set, events);
    await serveBridge({
      ...set,
      sessions,
      events,
      signal,
      hostname: set.host,
      tls,
      once: set.source === "replay"
        ? set.replayOnce
        : set.source === "simulated" && set.simulatedOnce,
      listening: ({ hostname, port }) => ready({ address: `${hostname}:${port}` }),
    });
  },
});

/** Flags are a short way to write settings; what they do not say stays as the environment has it. */
function readCommandLine(): void {
  try {
    if (wantsHelp(Deno.args)) {
      console.log(REPLAY_HELP);
      Deno.exit(0);
    }
    for (const [name, value] of Object.entries(settingsFromFlags(Deno.args))) {
      Deno.env.set(name, value);
    }
  } catch (cause) {
    console.error(messageOf(cause));
    Deno.exit(2);
  }
}
