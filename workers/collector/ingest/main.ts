import { BridgeError } from "../../../lib/bridge/bridge_error.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { armFailPoint } from "../../../lib/program/fail_point.ts";
import { ingest } from "./ingest.ts";
import { openProgress } from "./report/open_progress.ts";
import { type IngestRequest, readRequest } from "./request.ts";
import { onStopSignals } from "./stopping.ts";
import { NONE, SOME } from "./report/summary.ts";
import { bridgeHint, ingestUsage, permissionHint } from "./usage.ts";

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(ingestUsage);
    return 0;
  }
  let request: IngestRequest;
  try {
    request = await readRequest(args);
  } catch (cause) {
    console.error(`${messageOf(cause)}\nSee deno task ingest --help`);
    return NONE;
  }
  armFailPoint(request.settings.failPoint);
  using progress = openProgress({ json: request.options.json });
  const stop = new AbortController();
  onStopSignals({
    stop() {
      progress.line(`Stopping: finishing what is in hand; once more ends at once.`);
      stop.abort(new DOMException("stopped", "AbortError"));
    },
    end: () => Deno.exit(SOME),
  });
  try {
    const print = (text: string) => {
      progress[Symbol.dispose]();
      console.log(text);
    };
    return await ingest(request, { progress, print, signal: stop.signal });
  } catch (cause) {
    progress[Symbol.dispose]();
    if (stop.signal.aborted) {
      console.error(`Stopped before anything was read. To go on: ${request.resume}`);
      return SOME;
    }
    console.error([messageOf(cause), ...hintsOf(cause)].join("\n"));
    return NONE;
  }
}

/** What to do about it: the innermost cause knows best. */
function hintsOf(error: unknown): string[] {
  let hints: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof BridgeError && cause.code === "unreachable") hints = [bridgeHint];
    if (cause instanceof Deno.errors.NotCapable) hints = [permissionHint];
  }
  return hints;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
