/** How many files are worked on at once: the disk makes many durable in the time of one. */
const AT_ONCE = 32;

/**
 * Does the work for each item, several at once, and answers in the items' order. After a failure nothing
 * new begins; what is under way ends first, and then the failure is told.
 */
export async function forSeveral<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [], failures: unknown[] = [];
  const rest = items.entries();
  const lane = async () => {
    for (const [index, item] of rest) {
      if (failures.length > 0) return;
      try {
        results[index] = await work(item);
      } catch (cause) {
        failures.push(cause);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}
