import type { Differences } from "../../../lib/capture/additions/compare_ticks.ts";
import type { TickBuffer } from "../../../lib/capture/additions/tick_buffer.ts";
import type { Ticks } from "../../../lib/market/tick.ts";
import { formatId } from "../../../lib/market/tick_id.ts";
import type { AuditTick, TickAudit } from "./audit_record.ts";

const MOST = 20;

/** The first of each kind of difference, for a person who wants to look at the vendor's side. */
export function examplesOf(
  { vendor, held, missed, addedLater, found }: {
    vendor: Ticks;
    held: TickBuffer;
    missed: readonly number[];
    addedLater: readonly number[];
    found: Differences;
  },
): TickAudit["examples"] {
  const rows = held.ticks;
  const ofVendor = (index: number) => tickAt(vendor, index);
  const ofHeld = (index: number) => ({ ...tickAt(rows, index), id: formatId(held.id(index)) });
  return {
    missed: missed.slice(0, MOST).map(ofVendor),
    added_later: addedLater.slice(0, MOST).map(ofVendor),
    removed: found.surplus.slice(0, MOST).map(ofHeld),
    rewritten: found.rewritten.slice(0, MOST).map(([ours, theirs]) => ({
      vendor: ofVendor(ours),
      held: ofHeld(theirs),
    })),
  };
}

function tickAt(ticks: Ticks, index: number): AuditTick {
  const { serverMs, bid, ask, last, volume, flags } = ticks.get(index);
  return {
    timestamp_utc: new Date(ticks.utcMs(index)).toISOString(),
    server_ms: serverMs,
    ...{ bid: known(bid), ask: known(ask), last: known(last), volume: known(volume), flags },
  };
}

function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
