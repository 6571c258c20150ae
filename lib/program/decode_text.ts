/**
 * The text of a file that a person wrote: UTF-8, or the UTF-16 of PowerShell's `>`, without its byte
 * order mark.
 */
export function decodeText(bytes: Uint8Array): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8").decode(bytes);
}
