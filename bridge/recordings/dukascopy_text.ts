import type { LineFormat } from "./text_lines.ts";
import { noQuote } from "./text_lines.ts";

const FLAG_BID = 2, FLAG_ASK = 4;

/** Dukascopy's ticks as text: `ts_utc_ms,bid,ask,…`; the offered volumes are not trades. */
export function dukascopyText(): LineFormat {
  return {
    separator: ",",
    readLine(fields, into) {
      const utcMs = fields.number(0);
      if (Number.isNaN(utcMs)) {
        return fields.text(0) === "ts_utc_ms" ? undefined : "its time is no number of ms";
      }
      const bid = fields.number(1), ask = fields.number(2);
      const wrong = noQuote(bid, ask);
      if (wrong !== undefined) return wrong;
      into.push(utcMs, bid, ask, FLAG_BID | FLAG_ASK);
      return undefined;
    },
  };
}
