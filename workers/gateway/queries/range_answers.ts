import type { ServerResponse } from "node:http";
import type { GatewayEvents } from "../events.ts";
import { problemResponse } from "../problem.ts";

export interface RangeAnswersOptions {
  /** Most answers that are being read at a time; further ones get 503. */
  readonly maxQueries: number;
  /** An answer of which nothing is taken for this long is cut off. */
  readonly silentMs: number;
  readonly events: GatewayEvents;
}

export interface RangeAnswer {
  readonly headers: Readonly<Record<string, string>>;
  /** Begun when there is room for the answer; when the client leaves the signal aborts. */
  chunks(signal: AbortSignal): AsyncGenerator<Uint8Array>;
}

export interface Asked {
  readonly method: string;
  /** The connection's side of the answer; undefined where the app is called without a server. */
  readonly outgoing: ServerResponse | undefined;
}

const RETRY_SECONDS = "1";

/**
 * Answers that are made while they are read: a piece is asked for when the one before it is on its
 * way, so that a slow client costs one piece of memory, and one that stopped reading or has left costs
 * nothing after a while.
 */
export class RangeAnswers {
  readonly #options: RangeAnswersOptions;
  #count = 0;

  constructor(options: RangeAnswersOptions) {
    this.#options = options;
  }

  /** How many are being read. */
  get count(): number {
    return this.#count;
  }

  /**
   * The first piece is made before the answer begins, so that what fails at once rejects. What fails
   * later breaks the connection off: an answer that ends well is whole.
   */
  async respond(answer: RangeAnswer, { method, outgoing }: Asked): Promise<Response> {
    const { maxQueries, events } = this.#options;
    const headers = { ...answer.headers, "cache-control": "no-store" };
    if (method === "HEAD") return new Response(null, { headers });
    if (this.#count >= maxQueries) {
      events.refused("too_many_queries");
      const title = "Cannot answer more queries of ranges at a time: come back later";
      return problemResponse({ status: 503, title }, { "retry-after": RETRY_SECONDS });
    }
    this.#count++;
    const leaving = new AbortController(), chunks = answer.chunks(leaving.signal);
    // The first piece may take seconds of reading: bars of a week of ticks.
    outgoing?.once("close", () => leaving.abort());
    try {
      const first = await chunks.next();
      return new Response(this.#body(chunks, first, { outgoing, leaving }), { headers });
    } catch (cause) {
      this.#count--;
      throw cause;
    }
  }

  #body(
    chunks: AsyncGenerator<Uint8Array>,
    first: IteratorResult<Uint8Array, void>,
    { outgoing, leaving }: {
      outgoing: ServerResponse | undefined;
      leaving: AbortController;
    },
  ): ReadableStream<Uint8Array> {
    const { silentMs, events } = this.#options;
    let next: IteratorResult<Uint8Array, void> | undefined = first;
    const beganMs = performance.now();
    let isOver = false, bytes = 0;
    const end = async (outcome: "whole" | "left") => {
      clearTimeout(timer);
      if (isOver) return;
      isOver = true;
      this.#count--;
      leaving.abort();
      events.queried({ outcome, bytes, ms: performance.now() - beganMs });
      await chunks.return(undefined);
    };
    const cutOff = () => {
      events.slowClient("disconnect");
      outgoing?.destroy();
      void end("left");
    };
    let timer = setTimeout(cutOff, silentMs);
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        clearTimeout(timer);
        try {
          const { done, value } = next ?? await chunks.next();
          next = undefined;
          if (isOver) return;
          if (done) {
            await end("whole");
            return controller.close();
          }
          controller.enqueue(value);
          bytes += value.length;
          timer = setTimeout(cutOff, silentMs);
        } catch (cause) {
          await end("left");
          events.failed("go on with the answer to a query", cause);
          // Without a connection to break, the reader of the stream is told.
          if (outgoing === undefined) controller.error(cause);
          else outgoing.destroy();
        }
      },
      cancel: () => end("left"),
    }, { highWaterMark: 0 });
  }
}
