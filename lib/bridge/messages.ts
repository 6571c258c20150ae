import { z } from "zod";
import { BridgeError } from "./bridge_error.ts";
import { decodeControl, type Frame } from "./frames.ts";

/** The control messages of the bridge socket, parsed once where they arrive. See README.md. */

export const PROTOCOL_VERSION = 1;

const ms = z.number().int();
const id = z.number().int().min(1).max(0xffff_ffff);
const nonce = z.string().regex(/^[0-9a-f]{64}$/);
const proof = z.string().regex(/^[0-9a-f]{64}$/);

/** What a vendor says by its own names. */
const fields = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

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
const spec = symbol.extend({
  fields,
});
const session = z.object({
  name: z.string().min(1),
  vendor: z.string().min(1),
  state: z.enum(["connecting", "connected", "waiting", "failed"]),
  reason: z.string(),
  sinceUtcMs: ms,
});
const sessions = z.array(session);
const account = z.object({
  id: z.string(),
  server: z.string(),
  currency: z.string(),
  fields: fields.optional(),
  terminal: fields.optional(),
});
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
  /** Which session is wanted: a name, `*`, or `*:` and a source; absent: the first. */
  session: z.string().min(1).max(200).optional(),
  /** Wants `sessions` messages. */
  tellSessions: z.boolean().optional(),
});

export const clientMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("symbols"), id }),
  z.object({ type: z.literal("specs"), id }),
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
/** What ends a connection; `sessions` with `unknown_session` and `session_down`. */
const serverError = z.object({
  type: z.literal("error"),
  ...failure,
  sessions: sessions.optional(),
});

/** By the source's clock, or by UTC when that clock is learned. */
const feed = z.object({
  type: z.literal("feed"),
  stream: id,
  state: z.enum(["down", "up"]),
  nowServerMs: ms.optional(),
  nowUtcMs: ms.optional(),
}).transform(({ nowServerMs, nowUtcMs, ...event }, context) => {
  if (nowServerMs !== undefined) return { ...event, nowServerMs };
  if (nowUtcMs !== undefined) return { ...event, nowUtcMs };
  context.addIssue({ code: "custom", message: "expected nowServerMs or nowUtcMs" });
  return z.NEVER;
});

export const serverHello = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), protocol: z.number().int(), nonce }),
  serverError,
]);

export const serverWelcome = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("welcome"),
    proof: proof.optional(),
    source: sourceFacts,
    // A bridge of one source may leave both out.
    session: z.string().min(1).optional(),
    sessions: sessions.optional(),
  }),
  serverError,
]);

export const serverMessage = z.discriminatedUnion("type", [
  // Without `last` it is the only part.
  z.object({
    type: z.literal("symbols"),
    id,
    symbols: z.array(symbol),
    last: z.boolean().optional(),
  }),
  z.object({ type: z.literal("specs"), id, specs: z.array(spec), last: z.boolean() }),
  z.object({ type: z.literal("account"), id, account }),
  z.object({ type: z.literal("streaming"), id, stream: id, symbols: z.array(z.string()) }),
  z.object({ type: z.literal("bars"), id, bars: z.array(bar), last: z.boolean() }),
  z.object({ type: z.literal("failed"), id, ...failure }),
  z.object({ type: z.literal("clock"), stream: id, nowServerMs: ms, watermarkServerMs: ms }),
  z.object({ type: z.literal("live"), stream: id }),
  z.object({
    type: z.literal("present"),
    stream: id,
    nowUtcMs: ms,
    watermarkUtcMs: ms,
    newestServerMs: ms.nullable(),
  }),
  feed,
  z.object({ type: z.literal("ended"), stream: id }),
  z.object({ type: z.literal("stopped"), stream: id }),
  z.object({ type: z.literal("stream_failed"), stream: id, ...failure }),
  z.object({ type: z.literal("sessions"), sessions }),
  serverError,
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
