import { BridgeError } from "../lib/bridge/bridge_error.ts";
import type { FrameSocket } from "../lib/bridge/frame_socket.ts";
import type { ClientMessage } from "../lib/bridge/messages.ts";
import type { Source } from "./source.ts";

const BARS_PER_FRAME = 2000;
/** Of JSON; as bytes at most three times that, far below a frame's limit. */
const PART_CHARACTERS = 200_000;

/** What is answered once, in as many frames as it takes; a stream is not among it. */
export type Question = Exclude<Extract<ClientMessage, { id: number }>, { type: "ticks" }>;

/** Answers with what the source says; between frames it waits until the socket takes more. */
export async function answer(
  question: Question,
  { source, socket }: { source: Source; socket: FrameSocket },
): Promise<void> {
  const { type, id } = question;
  switch (type) {
    case "account":
      return socket.send({ type, id, account: await source.account() });
    case "symbols":
      for (const { part, last } of parts(await source.symbols())) {
        await socket.room();
        socket.send({ type, id, symbols: part, last });
      }
      return;
    case "specs":
      for (const { part, last } of parts(await source.specs())) {
        await socket.room();
        socket.send({ type, id, specs: part, last });
      }
      return;
    case "bars": {
      await checkSymbols([question.symbol], source);
      const bars = await source.bars(question);
      for (let from = 0; from === 0 || from < bars.length; from += BARS_PER_FRAME) {
        const last = from + BARS_PER_FRAME >= bars.length;
        await socket.room();
        socket.send({ type, id, bars: bars.slice(from, from + BARS_PER_FRAME), last });
      }
    }
  }
}

/** @throws BridgeError that names the symbols which the source lacks. */
export async function checkSymbols(names: readonly string[], source: Source): Promise<void> {
  const known = new Set((await source.symbols()).map(({ symbol }) => symbol));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new BridgeError("unknown_symbol", `The source has no symbol ${unknown.join(", ")}`);
  }
}

/** A list as parts that each fit a frame; an empty list is one empty part. */
function* parts<T>(items: readonly T[]): Generator<{ part: readonly T[]; last: boolean }> {
  let from = 0, characters = 0;
  for (const [index, item] of items.entries()) {
    const length = JSON.stringify(item).length;
    if (characters + length > PART_CHARACTERS && index > from) {
      yield { part: items.slice(from, index), last: false };
      from = index;
      characters = 0;
    }
    characters += length;
  }
  yield { part: items.slice(from), last: true };
}
