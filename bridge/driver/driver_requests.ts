import type { Ticks } from "../../lib/market/tick.ts";
import type { DriverAnswer } from "./driver_answers.ts";
import { DriverError } from "./driver_error.ts";
import type { DriverRequest } from "./driver_messages.ts";

export type DriverQuestion = Extract<DriverRequest, { id: number }>;
export type Unnumbered<Q> = Q extends { id: number } ? Omit<Q, "id"> : never;

/** What becomes of an answer, called as its frames are read and before any later frame is. */
export interface Answering<T> {
  /** The answer's value once it is whole; undefined while more of it follows. */
  take(answer: DriverAnswer): { readonly value: T } | undefined;
  ticks?(ticks: Ticks): void;
}

interface OpenRequest {
  readonly id: number;
  readonly type: DriverQuestion["type"];
  take(answer: DriverAnswer): boolean;
  ticks(ticks: Ticks): void;
  fail(error: DriverError): void;
}

/** More than a bridge full of collectors asks at once; also what the driver's own queue takes. */
const MAX_OPEN_REQUESTS = 512;
const MAX_ID = 0xffff_ffff;

/** The requests that a driver has not answered yet; it answers them in their order. */
export class DriverRequests {
  readonly #send: (question: DriverQuestion) => void;
  readonly #open: OpenRequest[] = [];
  #lastId = 0;
  #isFresh = true;

  constructor(send: (question: DriverQuestion) => void) {
    this.#send = send;
  }

  /** What the driver is working on; undefined while it owes nothing. */
  get current(): DriverQuestion["type"] | undefined {
    return this.#open[0]?.type;
  }

  /** Whether the answer that is due has moved, or another has become due, since the last call. */
  moved(): boolean {
    const moved = this.#isFresh;
    this.#isFresh = false;
    return moved;
  }

  /**
   * Sends the request; resolves with its answer. Rejects with a DriverError when the driver failed
   * it, ended, or has `busy` many requests waiting: then nothing was sent.
   */
  ask<T>(question: Unnumbered<DriverQuestion>, answering: Answering<T>): Promise<T> {
    if (this.#open.length >= MAX_OPEN_REQUESTS) {
      return Promise.reject(
        new DriverError(
          "busy",
          `Cannot ask the driver for ${question.type}: ${MAX_OPEN_REQUESTS} requests are waiting; ` +
            "ask again later",
        ),
      );
    }
    this.#lastId = this.#lastId === MAX_ID ? 1 : this.#lastId + 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#open.length === 0) this.#isFresh = true;
      this.#open.push({
        id,
        type: question.type,
        take(answer) {
          const whole = answering.take(answer);
          if (whole !== undefined) resolve(whole.value);
          return whole !== undefined;
        },
        ticks: (ticks) => answering.ticks?.(ticks),
        fail: reject,
      });
      this.#send({ ...question, id });
    });
  }

  /** @throws DriverError `bad_frames` when nobody asked for it, or something else is due. */
  answer(answer: DriverAnswer): void {
    const request = this.#due(answer.id, answer.type);
    this.#isFresh = true;
    if (answer.type === "failed") {
      this.#open.shift();
      const { code, message, vendorCode } = answer;
      request.fail(new DriverError(code, message, { vendorCode }));
    } else if (request.take(answer)) this.#open.shift();
  }

  /** @throws DriverError `bad_frames` as `answer`. */
  ticks(stream: number, ticks: Ticks): void {
    const request = this.#due(stream, "ticks");
    if (request.type !== "page") throw unasked(stream, "ticks", request);
    this.#isFresh = true;
    request.ticks(ticks);
  }

  failAll(error: DriverError): void {
    for (const request of this.#open.splice(0)) request.fail(error);
  }

  #due(id: number, type: string): OpenRequest {
    const request = this.#open[0];
    if (request?.id !== id) throw unasked(id, type, request);
    return request;
  }
}

function unasked(id: number, type: string, due: OpenRequest | undefined): DriverError {
  const want = due === undefined ? "nothing" : `${due.id} (${due.type})`;
  return new DriverError(
    "bad_frames",
    `Cannot take ${type} of request ${id} as an answer: what is due is ${want}`,
  );
}
