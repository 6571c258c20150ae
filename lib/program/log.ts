import {
  configure,
  getConsoleSink,
  getJsonLinesFormatter,
  getLogger,
  type Logger,
  type LogRecord,
} from "@logtape/logtape";

/** Sends all log lines of this process or Web Worker to the terminal. */
export async function configureLog(
  format: "text" | "json",
  level: "debug" | "info" | "warning" | "error",
): Promise<void> {
  const formatter = format === "json" ? getJsonLinesFormatter() : textLine;
  await configure({
    reset: true,
    sinks: { console: getConsoleSink({ formatter }) },
    loggers: [
      { category: "arbitrex", lowestLevel: level, sinks: ["console"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
    ],
  });
}

export function programLog(program: string): Logger {
  return getLogger(["arbitrex", program]);
}

/** `08:00:00.123Z warning  writer     cannot …`: time in UTC, then level, program, message. */
function textLine(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString().slice(11);
  const program = record.category.slice(1).join(".");
  const message = record.message.map((part) => typeof part === "string" ? part : Deno.inspect(part))
    .join("");
  return `${time} ${record.level.padEnd(7)} ${program.padEnd(10)} ${message}`;
}
