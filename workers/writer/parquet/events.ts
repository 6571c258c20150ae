import type { Copied } from "../../../lib/capture/parquet/copy.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import type { Telemetry } from "../../../lib/program/events.ts";

export type CopyEvents = ReturnType<typeof copyEvents>;

/** What the copying of a writer says, each as one log line and one metric. */
export function copyEvents(telemetry: Telemetry) {
  const { log } = telemetry;
  const copied = telemetry.counter(
    "arbitrex_parquet_files_total",
    "Parquet copies of sealed files that were made.",
  );
  const failures = telemetry.counter(
    "arbitrex_parquet_failures_total",
    "Parquet copies that could not be made; the CSV files are as they were.",
  );
  const waiting = telemetry.gauge(
    "arbitrex_parquet_files_waiting",
    "Files sealed by this writer that wait for their Parquet copy.",
  );
  return {
    waiting(files: number): void {
      waiting.set(files);
    },
    /** A first start on an old folder makes thousands. */
    copied({ path, rows, bytes, csvBytes }: Copied): void {
      copied.inc();
      log.debug(`copied ${csvBytes} bytes of CSV to ${path}: ${rows} rows, ${bytes} bytes`);
    },
    failed(path: string, cause: unknown): void {
      failures.inc();
      log.warning(`no Parquet copy of ${path} for now, its CSV file is whole: ${messageOf(cause)}`);
    },
  };
}
