import type { TimeRange } from "../../../lib/time/time_range.ts";

/** `2025-12-22 08:00 to 2025-12-22 11:30`. */
export function rangeText({ fromMs, toMs }: TimeRange): string {
  return `${timeText(fromMs)} to ${timeText(toMs)}`;
}

export function timeText(utcMs: number): string {
  return new Date(utcMs).toISOString().slice(0, 16).replace("T", " ");
}

export function lengthText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1).replace(/\.0$/, "")} h`;
}
