import { parseId, type TickId } from "../../lib/market/tick_id.ts";
import { CommandError } from "./commands.ts";

/** The tick to go on after; `"epoch"` when the client's id is of another log. */
export type ResumePoint = TickId | "epoch";

/**
 * Where a client wants to go on, by symbol, from its `"after":{"EURUSD":"<epoch>:<id>"}`.
 * @throws CommandError that names the first one that cannot be read.
 */
export function resumePoints(
  symbols: readonly string[],
  after: Readonly<Record<string, string>>,
  currentEpoch: string | undefined,
): Map<string, ResumePoint> {
  const points = new Map<string, ResumePoint>();
  for (const symbol of symbols) {
    const text = Object.hasOwn(after, symbol) ? after[symbol] : undefined;
    if (text === undefined) continue;
    const colon = text.lastIndexOf(":");
    const epoch = text.slice(0, Math.max(0, colon));
    const id = readId(symbol, text.slice(colon + 1));
    points.set(symbol, epoch === currentEpoch ? id : "epoch");
  }
  return points;
}

function readId(symbol: string, text: string): TickId {
  try {
    return parseId(text);
  } catch (cause) {
    throw new CommandError(
      `Cannot read after.${symbol} as <epoch>:<ms>-<n>: current value is ${JSON.stringify(text)}`,
      { code: "unknown_command", cause },
    );
  }
}
