import { z } from "zod";
import { BridgeError } from "./bridge_error.ts";
import { decodeControl, type Frame } from "./frames.ts";

/** The control messages of the bridge socket, parsed once where they arrive. See README.md. */

export const PROTOCOL_VERSION = 1;

const ms = z.number().int();
const id = z.number().int().min(1).max(0xffff_ffff);
const nonce = z.string().regex(/^[0-9a-f]{64}$/);
const proof = z.string().regex(/^[0-9a-f]{64}$/);

const serverZone = z.object({ zone: z.string().min(1), shiftMs: ms });
const sourceFacts = z.object({
  name: z.string().min(1),
  kind: z.enum(["raw", "replay", "simulated"]),
  clock: z.union([serverZone, z.literal("learned")]),
});
const symbol = z.object({
  symbol: z.string().min(1),
  rawName: z.string().min(1),
  digits: z.number().int().min(0),
});
const account = z.object({ id: z.string(), server: z.string(), currency: z.string() });
const bar = z.object({
  openServerMs: ms,
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  tickVolume: z.number(),
});
const tickRequest = z.object({
  symbol: z.string().min(1),
  fromServerMs: z.union([ms, z.literal("now")]),
});

const heartbeat = z.object({ type: z.literal("heartbeat") });
const goodbye = z.object({ type: z.literal("goodbye") });

export const clientHello = z.object({
  type: z.literal("hello"),
  protocol: z.number().int(),
  nonce,
  proof: proof.optional(),
});

export const clientMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("symbols"), id }),
  z.object({ type: z.literal("account"), id }),
  z.object({ type: z.literal("ticks"), id, requests: z.array(tickRequest).min(1).max(4096) }),
  z.object({
    type: z.literal("bars"),
    id,
    symbol: z.string().min(1),
    timeframe: z.string().min(1),
    fromServerMs: ms,
    toServerMs: ms,
  }),
  z.object({ type: z.literal("stop"), stream: id }),
  heartbeat,
  goodbye,
]);
export type ClientMessage = z.infer<typeof clientMessage>;

const failure = { code: z.string(), message: z.string() };

export const serverHello = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), protocol: z.number().int(), nonce }),
  z.object({ type: z.literal("error"), ...failure }),
]);

export const serverWelcome = z.discriminatedUnion("type", [
  z.object({ type: z.literal("welcome"), proof: proof.optional(), source: sourceFacts }),
  z.object({ type: z.literal("error"), ...failure }),
]);

export const serverMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("symbols"), id, symbols: z.array(symbol) }),
  z.object({ type: z.literal("account"), id, account }),
  z.object({ type: z.literal("streaming"), id, stream: id, symbols: z.array(z.string()) }),
  z.object({ type: z.literal("bars"), id, bars: z.array(bar), last: z.boolean() }),
  z.object({ type: z.literal("failed"), id, ...failure }),
  z.object({ type: z.literal("clock"), stream: id, nowServerMs: ms, watermarkServerMs: ms }),
  z.object({ type: z.literal("live"), stream: id }),
  z.object({
    type: z.literal("feed"),
    stream: id,
    state: z.enum(["down", "up"]),
    nowServerMs: ms,
  }),
  z.object({ type: z.literal("ended"), stream: id }),
  z.object({ type: z.literal("stopped"), stream: id }),
  z.object({ type: z.literal("stream_failed"), stream: id, ...failure }),
  z.object({ type: z.literal("error"), ...failure }),
  heartbeat,
  goodbye,
]);
export type ServerMessage = z.infer<typeof serverMessage>;

/** @throws BridgeError `bad_message` that says what is wrong with it. */
export function readMessage<T>(schema: z.ZodType<T>, frame: Frame): T {
  const parsed = schema.safeParse(decodeControl(frame.payload));
  if (parsed.success) return parsed.data;
  const reason = parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`);
  throw new BridgeError(
    "bad_message",
    `Cannot read a control message as this protocol's: ${reason.join(", ")}`,
  );
}
