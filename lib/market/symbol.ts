/** Stream symbols: the names in the log, on the stream and, made safe, in paths. */

const WINDOWS_DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

/** Letters, digits and `. _ - # @ &` and spaces inside, 1 to 64 characters: what a broker's names use. */
export const SYMBOL_PATTERN = /^[A-Za-z0-9#&_.][A-Za-z0-9#&_.@ -]{0,63}$/;

export function isSymbol(text: string): boolean {
  return SYMBOL_PATTERN.test(text);
}

/**
 * A symbol made from a broker's raw name, whatever is in it: a name that fits stays; what does not
 * fit becomes `_`, and the names that had to change are told apart by a checksum of the raw name.
 * `@` is among them: it begins the suffix of a session.
 */
export function fitSymbol(rawName: string, maxLength = 64): string {
  const kept = rawName.trim().replace(/[^A-Za-z0-9#&_. -]/g, "_").replace(/^[ -]/, "_");
  if (kept === rawName && kept !== "" && kept.length <= maxLength) return kept;
  const mark = `-${checksum(rawName)}`;
  return `${kept.slice(0, maxLength - mark.length) || "_"}${mark}`;
}

/**
 * The folder name of a symbol: no separators, no `..`, no device name of Windows, no trailing dot
 * or space. Names that had to change are told apart by a suffix made from the raw name. Two names
 * that differ only in case share a folder where the disk ignores case; the lock in it then lets only
 * one of them be captured.
 */
export function symbolFolder(symbol: string): string {
  let safe = symbol.replace(/[^A-Za-z0-9._@-]/g, "_").replace(/^\.+/, "_").replace(/[. ]+$/, "_");
  if (safe.includes("..")) safe = safe.replaceAll("..", "__");
  const stem = safe.split(".", 1)[0] ?? safe;
  if (WINDOWS_DEVICE.test(stem)) safe = `_${safe}`;
  return safe === symbol ? safe : `${safe}~${checksum(symbol)}`;
}

/** FNV-1a, 32 bits, as hex: short and stable; it names things and protects nothing. */
export function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
