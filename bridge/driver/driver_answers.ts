import { z } from "zod";
import type { SourceBar } from "../../lib/bridge/feed.ts";
import { decodeControl, type Frame } from "../../lib/bridge/frames.ts";
import { DriverError } from "./driver_error.ts";
import { type DriverMessage, driverMessage } from "./driver_messages.ts";

/** Reads what a driver says. */

export type DriverAnswer = Extract<DriverMessage, { id: number }>;

export function isOf<K extends DriverAnswer["type"]>(
  answer: DriverAnswer,
  type: K,
): answer is Extract<DriverAnswer, { type: K }> {
  return answer.type === type;
}

/** @throws DriverError `bad_frames`, or BridgeError `bad_message` for what is no JSON. */
export function readDriverMessage(frame: Frame): DriverMessage {
  const message = driverMessage.safeParse(decodeControl(frame.payload));
  if (message.success) return message.data;
  throw new DriverError(
    "bad_frames",
    `Cannot read a control frame as a message of a driver: ${z.prettifyError(message.error)}`,
  );
}

export function namedBar(
  bar: Extract<DriverMessage, { type: "bars" }>["bars"][number],
): SourceBar {
  const [openServerMs, open, high, low, close, tickVolume] = bar;
  return { openServerMs, open, high, low, close, tickVolume };
}

/** The answer is not of the type that its question asks for. */
export function misfit(answer: DriverAnswer, want: string): DriverError {
  return new DriverError(
    "bad_frames",
    `Cannot read an answer as ${want}: current type is ${answer.type}`,
  );
}
