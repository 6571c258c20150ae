import { messageOf } from "../../../lib/program/errors.ts";

const MAGIC = "SQLite format 3\0";
/** Places in the header, big-endian; see "The Database File Format" of SQLite. */
const HEADER_BYTES = 100, PAGE_SIZE_AT = 16, CHANGES_AT = 24, PAGES_AT = 28, VALID_FOR_AT = 92;

/**
 * What is wrong with a database, by its first bytes and its length: opening it would write beside it,
 * and what it holds is compared with the files by the writer when it starts.
 */
export async function databaseProblem(path: string): Promise<string | undefined> {
  try {
    using file = await Deno.open(path, { read: true });
    const header = new Uint8Array(HEADER_BYTES), count = await file.read(header) ?? 0;
    if (count < HEADER_BYTES || new TextDecoder().decode(header.subarray(0, 16)) !== MAGIC) {
      return "it is no SQLite database";
    }
    const view = new DataView(header.buffer), size = view.getUint16(PAGE_SIZE_AT);
    // 65536 does not fit, and is written as 1.
    const pageBytes = size === 1 ? 65_536 : size;
    const isCountValid = view.getUint32(CHANGES_AT) === view.getUint32(VALID_FOR_AT);
    const bytes = (await file.stat()).size, pages = view.getUint32(PAGES_AT);
    if (isCountValid && bytes < pages * pageBytes) {
      return `bytes ${bytes}, and its header counts ${pages} pages of ${pageBytes}`;
    }
    return undefined;
  } catch (cause) {
    return `it cannot be read: ${messageOf(cause)}`;
  }
}
