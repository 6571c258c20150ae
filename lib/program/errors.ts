/** An error as a person should read it: its message and its causes, no stack. */
export function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error
    ? `${cause.message}: ${messageOf(cause.cause)}`
    : cause.message;
}
