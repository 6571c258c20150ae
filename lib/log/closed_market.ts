import type { ComponentReport } from "./channel.ts";

/**
 * What is said of ticks while the market is closed: no tick is no fault then. A report without a
 * threshold is of no tick's age: what it tells of would still be wrong when the market opens.
 */
export function whileClosed<R extends ComponentReport>(ticks: R, untilMs: number): R {
  const until = new Date(untilMs).toISOString().replace(/\.000Z$/, "Z");
  return {
    ...ticks,
    status: ticks.threshold === null ? ticks.status : "healthy",
    message: `market closed until ${until}; ${ticks.message}`,
  };
}
