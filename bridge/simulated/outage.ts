/** A time without a feed: [fromUtcMs, toUtcMs), in whole seconds. */
export interface Outage {
  readonly fromUtcMs: number;
  readonly toUtcMs: number;
  /** Afterwards history has the ticks of the outage, as a vendor's has. */
  readonly heals: boolean;
}

export function isDown(outage: Outage | undefined, utcMs: number): boolean {
  return outage !== undefined && utcMs >= outage.fromUtcMs && utcMs < outage.toUtcMs;
}

/** How far a source can be read now: the present, or where the outage began that it is in. */
export function reachableMs(outage: Outage | undefined, nowUtcMs: number): number {
  return outage !== undefined && isDown(outage, nowUtcMs) ? outage.fromUtcMs : nowUtcMs;
}

/** False for a time in the outage whose ticks never were, or are not in history yet. */
export function hasTicks(outage: Outage | undefined, utcMs: number, nowUtcMs: number): boolean {
  if (outage === undefined || !isDown(outage, utcMs)) return true;
  return outage.heals && nowUtcMs >= outage.toUtcMs;
}
