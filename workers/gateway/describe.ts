import type { Description } from "../../lib/program/beat.ts";
import type { Stream } from "./stream.ts";

/** What the gateway says of itself with each beat. */
export function describe(
  stream: Stream,
  doors: { webSockets: { readonly count: number }; eventStreams: { readonly count: number } },
): Description {
  const clients = doors.webSockets.count + doors.eventStreams.count;
  const { available, epoch } = stream.tail;
  const serves = available && epoch !== undefined;
  const level = serves ? "healthy" : available ? "degraded" : "critical";
  const log = serves ? "follows the log" : available ? "waits for a log" : "cannot read the log";
  const slow = stream.slowCount > 0 ? `, ${stream.slowCount} slow` : "";
  const message = `${log}, ${stream.recent.size} symbols, ${clients} clients${slow}`;
  return {
    status: message,
    level,
    components: { gateway: { status: level, value: clients, threshold: null, message } },
  };
}
