/** Ends a child at once, whatever it does; one that has ended already is left as it is. */
export function endProcess(child: Deno.ChildProcess): void {
  try {
    // Windows has no signals; Deno ends a process there for SIGTERM.
    child.kill(Deno.build.os === "windows" ? "SIGTERM" : "SIGKILL");
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof Deno.errors.NotFound)) throw cause;
  }
}
