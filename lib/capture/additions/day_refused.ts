/** A day that may not be touched now, or cannot be compared; the message says why and names it. */
export class DayRefused extends Error {
  override readonly name = "DayRefused";
}
