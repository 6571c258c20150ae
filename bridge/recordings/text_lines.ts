import type { TickBlock } from "../simulated/tick_block.ts";
import { Fields } from "./fields.ts";
import type { BadLineReport } from "./recording.ts";

/** How one text format says a tick, or a bar. A new one is made for each read: it may remember lines. */
export interface LineFormat<Block = TickBlock> {
  readonly separator: string;
  /** A last line without its newline is one whose writing was cut off. */
  readonly endsInNewline?: boolean;
  /** Appends what the line says. Returns why it is none, or undefined when it is one (or a heading). */
  readLine(fields: Fields, into: Block): string | undefined;
}

/** What lines are collected in; `take` empties it. */
interface LineBlock<Rows> {
  readonly count: number;
  take(): Rows;
}

const NEWLINE = 10, RETURN = 13;
const LINES_PER_BLOCK = 4096;
const MAX_LINE_BYTES = 64 << 10;

/** Reads lines out of bytes in pieces of any size; see `endsInNewline` for the last. */
export async function* readLines<Rows, Block extends LineBlock<Rows>>(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { format, block, path, report }: {
    format: LineFormat<Block>;
    block: Block & LineBlock<Rows>;
    path: string;
    report: BadLineReport;
  },
): AsyncGenerator<Rows> {
  const fields = new Fields();
  const separator = format.separator.charCodeAt(0);
  let rest: Uint8Array = new Uint8Array(), line = 0;

  function readLine(bytes: Uint8Array, from: number, to: number): void {
    line++;
    while (to > from && bytes[to - 1] === RETURN) to--;
    if (to === from) return;
    fields.split(bytes, { from, to, separator });
    const reason = format.readLine(fields, block);
    if (reason !== undefined) report({ path, line, reason });
  }

  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : joined(rest, piece);
    let from = 0;
    for (let to = bytes.indexOf(NEWLINE); to >= 0; to = bytes.indexOf(NEWLINE, from)) {
      readLine(bytes, from, to);
      from = to + 1;
      if (block.count >= LINES_PER_BLOCK) yield block.take();
    }
    rest = bytes.subarray(from);
    if (rest.length > MAX_LINE_BYTES) {
      throw new TypeError(
        `Cannot read ${path} as lines of text: line ${line + 1} is over ${MAX_LINE_BYTES} bytes`,
      );
    }
  }
  if (rest.length > 0 && format.endsInNewline) {
    report({ path, line: line + 1, reason: "it is cut off" });
  } else {
    readLine(rest, 0, rest.length);
  }
  if (block.count > 0) yield block.take();
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** What makes two prices no quote; crossed quotes (ask below bid) are real and stay. */
export function noQuote(bid: number, ask: number): string | undefined {
  if (!(bid >= 0)) return "its bid is no price";
  if (!(ask >= 0)) return "its ask is no price";
  return undefined;
}
