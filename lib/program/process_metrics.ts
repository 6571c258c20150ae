import type { Telemetry } from "./events.ts";
import { isWebWorker } from "./run.ts";

/**
 * Registers the memory of this program: its own heap, and the process' resident memory where it is
 * the process' only voice; Web Workers share one process, of which one (`wholeProcess`) speaks.
 * The figures are read when the metrics are collected.
 */
export function registerProcessMetrics(
  telemetry: Telemetry,
  { wholeProcess = !isWebWorker() }: { wholeProcess?: boolean } = {},
): () => void {
  const heap = telemetry.gauge("arbitrex_process_heap_bytes", "JavaScript heap in use, in bytes.");
  const external = telemetry.gauge(
    "arbitrex_process_external_bytes",
    "Memory that JavaScript objects hold outside the heap, in bytes.",
  );
  const resident = wholeProcess
    ? telemetry.gauge(
      "arbitrex_process_resident_bytes",
      "Resident memory of the process, in bytes.",
    )
    : undefined;
  return () => {
    const usage = Deno.memoryUsage();
    heap.set(usage.heapUsed);
    external.set(usage.external);
    resident?.set(usage.rss);
  };
}
