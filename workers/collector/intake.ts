import { Ticks } from "../../lib/market/tick.ts";
import { type Refusal, refusalOf } from "../../lib/market/admission.ts";
import type { Overlap } from "./overlap.ts";

/** The ticks of one delivery, sorted out; indices refer to the delivery. */
export interface Intake {
  /** To append, stamped with UTC; possibly none. Fresh bytes only when something was left out. */
  readonly kept: Ticks;
  readonly repeated: number;
  readonly refused: readonly (readonly [Refusal, number])[];
}

export interface IntakeOptions {
  readonly overlap: Overlap | undefined;
  readonly latestServerMs: number;
  readonly toUtcMs: (serverMs: number) => number;
}

/** Refuses the impossible, leaves out what the log has, stamps the rest. The delivery's bytes are used up. */
export function takeIn(delivery: Ticks, options: IntakeOptions): Intake {
  const { overlap, latestServerMs, toUtcMs } = options;
  const refused: [Refusal, number][] = [];
  const left: number[] = [];
  let repeated = 0;
  for (let index = 0; index < delivery.count; index++) {
    const refusal = refusalOf(delivery, index, latestServerMs);
    if (refusal !== undefined) {
      refused.push([refusal, index]);
      left.push(index);
    } else if (overlap !== undefined && overlap.takes(delivery, index)) {
      repeated++;
      left.push(index);
    } else {
      delivery.setUtcMs(index, toUtcMs(delivery.serverMs(index)));
    }
  }
  return { kept: left.length === 0 ? delivery : without(delivery, left), repeated, refused };
}

/** A copy without the ticks at these indices, which ascend. */
function without(ticks: Ticks, left: readonly number[]): Ticks {
  const parts: Ticks[] = [];
  let from = 0;
  for (const index of left) {
    if (index > from) parts.push(ticks.slice(from, index));
    from = index + 1;
  }
  if (from < ticks.count) parts.push(ticks.slice(from));
  return parts.length === 0 ? Ticks.ofLength(0) : Ticks.concat(parts);
}
