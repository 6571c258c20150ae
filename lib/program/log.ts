import {
  configure,
  getJsonLinesFormatter,
  getLogger,
  type Logger,
  type LogRecord,
} from "@logtape/logtape";

export interface LogOptions {
  readonly format: "text" | "json";
  readonly level: "debug" | "info" | "warning" | "error";
  /** Where a line goes: standard error, or the terminal of `start`. */
  readonly print: (line: string) => void;
}

/** Sends all log lines of this process or Web Worker to one place. */
export async function configureLog({ format, level, print }: LogOptions): Promise<void> {
  const formatter = format === "json" ? getJsonLinesFormatter() : textLine;
  await configure({
    reset: true,
    sinks: { lines: (record) => print(formatter(asWritten(record)).trimEnd()) },
    loggers: [
      { category: "arbitrex", lowestLevel: level, sinks: ["lines"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["lines"] },
    ],
  });
}

export function programLog(program: string): Logger {
  return getLogger(["arbitrex", program]);
}

/** A line without values is text, braces included: what a vendor says may hold some. */
function asWritten(record: LogRecord): LogRecord {
  if (typeof record.rawMessage !== "string" || Object.keys(record.properties).length > 0) {
    return record;
  }
  return { ...record, message: [record.rawMessage] };
}

/** `08:00:00.123Z warning writer     cannot …`: time in UTC, then level, program, message. */
function textLine(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString().slice(11);
  const program = record.category.slice(1).join(".");
  const message = record.message.map((part) => typeof part === "string" ? part : Deno.inspect(part))
    .join("");
  return `${time} ${record.level.padEnd(7)} ${program.padEnd(10)} ${message}`;
}
