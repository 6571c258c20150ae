import assert from "node:assert/strict";
import { exchange } from "../../../../lib/time/calendar/exchange.ts";
import type { MarketCalendar } from "../../../../lib/time/calendar/market_calendar.ts";
import { WEEKDAYS } from "../../../../lib/time/calendar/week_calendars.ts";
import { sharedData } from "./shared_data.ts";

/** The recordings and the calendars that must agree with them, session by session. */
const RECORDED: Readonly<Record<string, () => MarketCalendar | undefined>> = {
  "24-5": () => WEEKDAYS,
  cmes: () => exchange("CMES"),
  xfra: () => exchange("XFRA"),
  xlon: () => exchange("XLON"),
  xnys: () => exchange("XNYS"),
  xtks: () => exchange("XTKS"),
};

const folder = sharedData("calendars/exchange_calendars");

Deno.test({
  name: "every recording of sessions has a calendar",
  ignore: folder.ignore,
  fn: () => {
    const files = [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
    assert.deepEqual(files, Object.keys(RECORDED).map((name) => `${name}.csv`).sort());
  },
});

for (const [name, calendarOf] of Object.entries(RECORDED)) {
  Deno.test({
    name: `${name} opens, pauses and closes as recorded, in every session`,
    ignore: folder.ignore,
    fn: () => {
      const recorded = stretchesOf(Deno.readTextFileSync(`${folder.path}/${name}.csv`));
      const fromMs = recorded[0]?.openMs ?? NaN, toMs = recorded.at(-1)?.closeMs ?? NaN;
      const sessions = calendarOf()?.sessions(fromMs, toMs) ?? [];
      assert.deepEqual(sessions.map(told), recorded.map(told));
    },
  });
}

/** `session,open,close,break_start,break_end` as stretches; those that touch are one. */
function stretchesOf(csv: string): { openMs: number; closeMs: number }[] {
  const stretches: { openMs: number; closeMs: number }[] = [];
  for (const line of csv.trim().split("\n").slice(1)) {
    const [, open = "", close = "", breakStart = "", breakEnd = ""] = line.split(",");
    const edges = breakStart === "" ? [open, close] : [open, breakStart, breakEnd, close];
    for (let at = 0; at < edges.length; at += 2) {
      const openMs = Date.parse(edges[at] ?? ""), closeMs = Date.parse(edges[at + 1] ?? "");
      const last = stretches.at(-1);
      if (last?.closeMs === openMs) last.closeMs = closeMs;
      else stretches.push({ openMs, closeMs });
    }
  }
  return stretches;
}

function told({ openMs, closeMs }: { openMs: number; closeMs: number }): string {
  return `${new Date(openMs).toISOString()} to ${new Date(closeMs).toISOString()}`;
}
