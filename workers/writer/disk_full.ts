/** Whether an operation failed because there is no room; the message tells what to do then. */
export function isDiskFull(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  if ("code" in cause && cause.code === "ENOSPC") return true;
  // SQLite and Windows say it in words alone, and SQLite not always in these.
  return /no space left|disk is full|not enough space|os error (?:28|112)|disk I\/O error/i.test(
    cause.message,
  ) ||
    isDiskFull(cause.cause);
}
