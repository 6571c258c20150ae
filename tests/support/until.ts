/** Resolves when the condition holds; a condition that throws does not hold yet. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 30_000, intervalMs = 20 } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      if (await condition()) return;
    } catch (cause) {
      last = cause;
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  throw new Error(`Cannot wait longer than ${timeoutMs} ms for ${condition}`, { cause: last });
}
