/**
 * Works through all items, at most `atOnce` of them at the same time. Resolves when all are done; after
 * the first rejection no further item is begun, and it rejects with that one once the others ended.
 */
export async function severalAtOnce<T>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly cause: unknown } | undefined;
  for await (const item of items) {
    if (failure !== undefined) break;
    const task: Promise<void> = work(item)
      .catch((cause) => {
        failure ??= { cause };
      })
      .finally(() => running.delete(task));
    running.add(task);
    if (running.size >= atOnce) await Promise.race(running);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.cause;
}
