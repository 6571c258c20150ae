import type { LineFormat } from "./text_lines.ts";
import { noQuote } from "./text_lines.ts";

const DAY_MS = 86_400_000;
const FLAG_BID = 2, FLAG_ASK = 4;

/** LEAN's quote ticks: `ms of day,bid,ask`, of the day that the file's name gives. */
export function leanQuotes(dayServerMs: number): LineFormat {
  return {
    separator: ",",
    readLine(fields, into) {
      const ofDay = fields.number(0), bid = fields.number(1), ask = fields.number(2);
      if (!(ofDay >= 0 && ofDay < DAY_MS)) return "its time is no number of ms within a day";
      const wrong = noQuote(bid, ask);
      if (wrong !== undefined) return wrong;
      into.push(dayServerMs + Math.floor(ofDay), bid, ask, FLAG_BID | FLAG_ASK);
      return undefined;
    },
  };
}
