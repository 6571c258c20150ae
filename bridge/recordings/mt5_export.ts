import type { LineFormat } from "./text_lines.ts";
import { noQuote } from "./text_lines.ts";

const DATE = 0, TIME = 1, BID = 2, ASK = 3, LAST = 4, VOLUME = 5, FLAGS = 6;

/**
 * The tick export of a MetaTrader 5 terminal: `<DATE> <TIME> <BID> <ASK> <LAST> <VOLUME> <FLAGS>`, tab
 * separated, in the server's wall clock. An empty price is unchanged since the line before.
 */
export function mt5Export(): LineFormat {
  let dateText = "", dateMs = NaN, bid = NaN, ask = NaN, last = NaN;
  return {
    separator: "\t",
    readLine(fields, into) {
      const date = fields.text(DATE);
      if (date === "<DATE>") return undefined;
      if (date !== dateText) {
        dateText = date;
        dateMs = Date.parse(`${date.replaceAll(".", "-")}T00:00:00Z`);
      }
      const serverMs = dateMs + timeOfDayMs(fields.text(TIME));
      if (Number.isNaN(serverMs)) return "its date or time is none";
      const bidNow = fields.isEmpty(BID) ? bid : fields.number(BID);
      const askNow = fields.isEmpty(ASK) ? ask : fields.number(ASK);
      const wrong = noQuote(bidNow, askNow);
      if (wrong !== undefined) return wrong;
      const flags = fields.isEmpty(FLAGS) ? 0 : fields.number(FLAGS);
      if (!(flags >= 0)) return "its flags are no number";
      bid = bidNow;
      ask = askNow;
      if (!fields.isEmpty(LAST)) last = fields.number(LAST);
      into.push(serverMs, bid, ask, flags, last, fields.number(VOLUME));
      return undefined;
    },
  };
}

function timeOfDayMs(text: string): number {
  const match = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?$/.exec(text);
  if (match === null) return NaN;
  const [, hours, minutes, seconds = "0", decimals = "0"] = match;
  const wholeSeconds = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return wholeSeconds * 1000 + Number(decimals.padEnd(3, "0"));
}
