import { z } from "zod";
import { messageOf } from "../../program/errors.ts";
import { exchange, exchangeCode, exchangeIds } from "./exchange.ts";
import { ALWAYS_OPEN, FX, FX_METALS, WEEKDAYS } from "./week_calendars.ts";
import type { MarketCalendar } from "./market_calendar.ts";

const WEEKS: ReadonlyMap<string, MarketCalendar> = new Map([
  ...[FX, FX_METALS, WEEKDAYS, ALWAYS_OPEN].map((calendar) => [calendar.id, calendar] as const),
  ["24/5", WEEKDAYS],
  ["24/7", ALWAYS_OPEN],
]);

/** A calendar by its name in capitals: `FX`, `FX-METALS`, `24-5`, `24-7`, or an exchange. */
export function calendarNamed(name: string): MarketCalendar | undefined {
  return WEEKS.get(name) ?? exchange(name);
}

/** Whether a calendar of this name keeps an exchange's hours. */
export function isExchange(name: string): boolean {
  return !WEEKS.has(name) && exchangeCode(name) !== undefined;
}

/** Names of calendars by symbol, both in capitals. */
export type SymbolCalendarMap = ReadonlyMap<string, string>;

const capitals = z.string().trim().toUpperCase();
const schema = z.record(
  z.string(),
  capitals.refine((name) => WEEKS.has(name) || exchangeCode(name) !== undefined),
);

/**
 * Reads `{"AAPL":"NASDAQ","EURUSD":"FX"}`, in capitals or not.
 * @throws RangeError that names every wrong field with its value.
 */
export function parseSymbolCalendarMap(text: string): SymbolCalendarMap {
  const json = jsonOf(text);
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw wrongFields(parsed.error, json);
  const map = new Map<string, string>();
  for (const [key, name] of Object.entries(parsed.data)) {
    const symbol = key.trim().toUpperCase();
    const earlier = map.get(symbol);
    if (earlier !== undefined && earlier !== name) {
      throw new RangeError(
        `Cannot read ${symbol} as a symbol with one calendar: current value is ${earlier} and ${name}`,
      );
    }
    map.set(symbol, name);
  }
  return map;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RangeError(`Cannot read the calendars of symbols as JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function wrongFields(error: z.ZodError, json: unknown): RangeError {
  const values = new Map(Object.entries(Object(json)));
  const fields = error.issues.map(({ path: [field] }) => {
    if (field === undefined) return `current value is ${JSON.stringify(json)}`.slice(0, 200);
    return `${String(field)}: current value is ${JSON.stringify(values.get(String(field)))}`;
  });
  const known = [...WEEKS.keys(), ...exchangeIds].join(", ");
  return new RangeError(
    `Cannot read the calendars of symbols as {"<symbol>": "<one of ${known}>"}: ${
      fields.join("; ")
    }`,
    { cause: error },
  );
}
