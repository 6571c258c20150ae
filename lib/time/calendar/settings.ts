import { z } from "zod";
import { type OptionalSetting, type Setting, text } from "../../program/settings.ts";

/** Whose hours count for what is no pair and no metal. */
export type CalendarUse = "exchange_calendars" | "fx";

const marketCalendar: Setting<CalendarUse> = {
  name: "MARKET_CALENDAR",
  schema: z.enum(["exchange_calendars", "fx"]),
  fallback: "exchange_calendars",
  about:
    "Hours of shares and indices: their exchange's with its holidays, or fx for the FX week alone.",
};
const symbolCalendarMap: OptionalSetting<string> = {
  name: "SYMBOL_CALENDAR_MAP",
  schema: text,
  fallback: undefined,
  about:
    'File of symbols and their calendars, such as {"AAPL":"NASDAQ"}; by default metadata/symbol_calendar_map.json of the data folder.',
};

/** What a program reads that asks when markets trade. */
export const calendarSettings = { marketCalendar, symbolCalendarMap };
