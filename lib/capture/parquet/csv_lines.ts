import type { Hash } from "node:crypto";

const PIECE_BYTES = 1 << 20;
const NEWLINE = 10;

/**
 * The lines of a file behind its header, in pieces of whole lines; a piece is valid until the next is
 * asked for. The hash gets every byte of the file.
 * @throws SyntaxError when it does not begin with the header, or ends within a line.
 */
export async function* csvLines(
  path: string,
  { header, hash }: { header: Uint8Array; hash: Hash },
): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path, { read: true });
  const buffer = new Uint8Array(PIECE_BYTES);
  let kept = 0, isHeaderRead = false;
  for (;;) {
    if (kept === buffer.length) throw damage(path, `a line of more than ${PIECE_BYTES} bytes`);
    const count = await file.read(buffer.subarray(kept));
    if (count === null) break;
    hash.update(buffer.subarray(kept, kept + count));
    const filled = kept + count;
    const end = buffer.lastIndexOf(NEWLINE, filled - 1) + 1;
    let from = 0;
    if (!isHeaderRead && end > 0) {
      if (!header.every((byte, index) => buffer[index] === byte)) {
        throw damage(path, "a first line that is not the header");
      }
      isHeaderRead = true;
      from = header.length;
    }
    if (end > from) yield buffer.subarray(from, end);
    kept = filled - end;
    buffer.copyWithin(0, end, filled);
  }
  if (!isHeaderRead) throw damage(path, "no header");
  if (kept > 0) throw damage(path, "a last line without its end");
}

function damage(path: string, what: string): SyntaxError {
  return new SyntaxError(`Cannot read ${path} as CSV: current value is ${what}`);
}
