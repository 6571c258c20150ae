import type { LineFormat } from "./text_lines.ts";
import { noQuote } from "./text_lines.ts";

const HEADING = "timestamp_utc";
const UTC = 0, BROKER = 1, BID = 2, ASK = 3, LAST = 4, VOLUME = 5, FLAGS = 6, ID = 7;

/**
 * This project's own day files: `timestamp_utc,timestamp_broker,bid,ask,last,volume,flags,id`. The
 * broker's stamp is the one that is replayed: it is what the vendor said.
 */
export function ownCsv(): LineFormat {
  return {
    separator: ",",
    endsInNewline: true,
    readLine(fields, into) {
      const serverMs = fields.secondsAsMs(BROKER);
      if (Number.isNaN(serverMs)) {
        return fields.text(UTC) === HEADING ? undefined : "its broker time is no number of seconds";
      }
      const bid = fields.number(BID), ask = fields.number(ASK), flags = fields.number(FLAGS);
      const wrong = noQuote(bid, ask);
      if (wrong !== undefined) return wrong;
      if (!(flags >= 0)) return "its flags are no number";
      if (fields.isEmpty(ID)) return "it has no id";
      into.push(serverMs, bid, ask, flags, fields.number(LAST), fields.number(VOLUME));
      return undefined;
    },
  };
}
