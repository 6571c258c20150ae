import { messageOf } from "../../../lib/program/errors.ts";
import { onStopSignal } from "../../../lib/program/run.ts";
import { runAudit } from "./command.ts";

const stop = new AbortController();
onStopSignal(() => stop.abort(new DOMException("stopped by Ctrl-C", "AbortError")));
try {
  Deno.exitCode = await runAudit(Deno.args, stop.signal);
} catch (cause) {
  console.error(messageOf(cause));
  Deno.exitCode = 1;
}
