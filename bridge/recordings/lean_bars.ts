import type { Fields } from "./fields.ts";
import type { BarBlock } from "./bar_rows.ts";
import type { LineFormat } from "./text_lines.ts";

const DAY_MS = 86_400_000;
const TIME = 0, BID_OPEN = 1, BID_HIGH = 2, BID_LOW = 3, BID_CLOSE = 4, BID_SIZE = 5;

/**
 * LEAN's quote bars: the time, OHLC and size of the bid, OHLC and size of the ask. Bars are of bids. A
 * file of a day counts ms of that day; one of all years says `20140506 13:00`.
 */
export function leanBars(dayServerMs: number | undefined): LineFormat<BarBlock> {
  const timeOf = dayServerMs === undefined
    ? dateAndTime()
    : (fields: Fields) => dayServerMs + ofDayMs(fields.number(TIME));
  return {
    separator: ",",
    readLine(fields, into) {
      const serverMs = timeOf(fields);
      if (Number.isNaN(serverMs)) return "its time is none";
      return into.push(
        serverMs,
        fields.number(BID_OPEN),
        fields.number(BID_HIGH),
        fields.number(BID_LOW),
        fields.number(BID_CLOSE),
        fields.isEmpty(BID_SIZE) ? 0 : fields.number(BID_SIZE),
      );
    },
  };
}

function ofDayMs(ms: number): number {
  return ms >= 0 && ms < DAY_MS ? ms : NaN;
}

const DATE = { at: 0, count: 8 }, HOUR = { at: 9, count: 2 }, MINUTE = { at: 12, count: 2 };
const DATE_AND_TIME_BYTES = 14;

/** Reads `20140506 13:00`; NaN for a date that no calendar has. Lines of one day share its date. */
function dateAndTime(): (fields: Fields) => number {
  let date = NaN, dayMs = NaN;
  return (fields) => {
    if (fields.length(TIME) !== DATE_AND_TIME_BYTES) return NaN;
    const dateNow = fields.digits(TIME, DATE);
    if (dateNow !== date) {
      date = dateNow;
      const text = `${date}`.padStart(8, "0");
      dayMs = Date.parse(`${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}T00:00:00Z`);
      // The 31st of February would be a day in March.
      if (new Date(dayMs).getUTCDate() !== date % 100) dayMs = NaN;
    }
    const hour = fields.digits(TIME, HOUR), minute = fields.digits(TIME, MINUTE);
    return hour < 24 && minute < 60 ? dayMs + (hour * 60 + minute) * 60_000 : NaN;
  };
}
