import type { Telemetry } from "../../../lib/program/events.ts";
import type { Copies } from "./copies.ts";

/**
 * Starts the copying beside a writer, or does nothing where it is not wanted: the encoder is megabytes
 * of code, which a writer without it shall not load.
 */
export async function startCopies(
  isWanted: boolean,
  { dataDir, telemetry, signal }: { dataDir: string; telemetry: Telemetry; signal: AbortSignal },
): Promise<Copies | undefined> {
  if (!isWanted) return undefined;
  const { Copies } = await import("./copies.ts");
  const { copyEvents } = await import("./events.ts");
  return new Copies({ dataDir, events: copyEvents(telemetry), signal });
}
