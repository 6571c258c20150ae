import type { TickId } from "../../../lib/market/tick_id.ts";
import { blockOf, type RowBlock, RowCursor } from "./row_block.ts";

/** A source, and where in its current block it stands. */
interface Head {
  readonly source: AsyncGenerator<RowBlock>;
  cursor: RowCursor;
  lastId: TickId;
}

/**
 * Joins sources that each ascend by id; of lines with one id the first source's is taken. A block that
 * no other source has anything in between goes through untouched: over most of a range there is one
 * source only, and then this costs nothing a line.
 */
export async function* mergeRows(
  sources: readonly AsyncGenerator<RowBlock>[],
): AsyncGenerator<RowBlock> {
  try {
    const heads: Head[] = [];
    for (const source of sources) {
      const { done, value } = await source.next();
      if (!done) heads.push({ source, ...startOf(value) });
    }
    while (heads.length > 1) {
      const alone = heads.find(isAlone);
      if (alone !== undefined) yield restOf(alone);
      else yield mergeHeads(heads);
      for (const head of [...heads]) {
        if (head !== alone && !isUsedUp(head)) continue;
        const { done, value } = await head.source.next();
        if (done) heads.splice(heads.indexOf(head), 1);
        else Object.assign(head, startOf(value));
      }
    }
    const only = heads[0];
    if (only === undefined) return;
    yield restOf(only);
    yield* only.source;
  } finally {
    for (const source of sources) await source.return(undefined);
  }
}

function startOf({ bytes, lastId }: RowBlock): Pick<Head, "cursor" | "lastId"> {
  const cursor = new RowCursor(bytes);
  cursor.next();
  return { cursor, lastId };
}

function restOf({ cursor, lastId }: Head): RowBlock {
  return { bytes: cursor.bytes.subarray(cursor.from), firstId: cursor.id, lastId };
}

function isUsedUp({ cursor }: Head): boolean {
  return cursor.from === cursor.bytes.length;
}

/** Whether everything in this head's block comes before everything else. */
function isAlone(head: Head, _index: number, heads: readonly Head[]): boolean {
  return heads.every((other) => other === head || other.cursor.compare(head.lastId) > 0);
}

/** Merges line by line until a block is used up; the others stand where they have come to. */
function mergeHeads(heads: readonly Head[]): RowBlock {
  const cursors = heads.map(({ cursor }) => cursor);
  const merged = new Uint8Array(cursors.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let length = 0, isOver = false;
  while (!isOver) {
    const least = leastOf(cursors);
    const { bytes, from } = least;
    // Lines of one source that follow each other are copied in one piece.
    do {
      for (const cursor of cursors) {
        if (cursor !== least && cursor.compare(least) === 0 && !cursor.next()) isOver = true;
      }
      if (!least.next()) isOver = true;
    } while (!isOver && leastOf(cursors) === least);
    merged.set(bytes.subarray(from, least.from), length);
    length += least.from - from;
  }
  return blockOf(merged.subarray(0, length));
}

/** Of equal ones the first. */
function leastOf(cursors: readonly RowCursor[]): RowCursor {
  let [least] = cursors;
  if (least === undefined) throw new RangeError("Cannot merge no sources: current count is 0");
  for (const cursor of cursors) {
    if (cursor !== least && cursor.compare(least) < 0) least = cursor;
  }
  return least;
}
