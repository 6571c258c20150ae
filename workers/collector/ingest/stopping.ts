/** One Ctrl-C comes more than once where those that started this process hand it on too. */
const ONE_PRESS_MS = 1000;

/**
 * Calls `stop` at Ctrl-C, or SIGTERM where there is one (Windows knows Ctrl-Break instead), and `end`
 * at the next.
 */
export function onStopSignals({ stop, end }: { stop: () => void; end: () => void }): void {
  let firstMs: number | undefined;
  const hear = () => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      stop();
    } else if (performance.now() - firstMs > ONE_PRESS_MS) {
      end();
    }
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, hear);
}
