import { z } from "zod";
import { isSymbol } from "../../lib/market/symbol.ts";
import { messageOf } from "../../lib/program/errors.ts";
import type { ChannelName } from "./subscriber.ts";

/** What clients send over a WebSocket, parsed once at the door. */

export type ErrorCode =
  | "invalid_json"
  | "unknown_command"
  | "unknown_symbol"
  | "too_many_symbols"
  | "forbidden";

/** A command that is not carried out; the connection stays open. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: ErrorCode;

  constructor(message: string, options: { code: ErrorCode; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = options.code;
  }
}

/** `"*"`: all symbols, also those that come to be known later. */
export type Wanted = "*" | readonly string[];

export interface Subscribe {
  readonly type: "subscribe";
  readonly symbols: Wanted;
  /** `<epoch>:<id>` by symbol: go on after this tick. */
  readonly after: Readonly<Record<string, string>>;
  readonly snapshot: boolean;
  readonly batch?: boolean | undefined;
  readonly conflateMs?: number | undefined;
  readonly onSlow?: "conflate" | "disconnect" | undefined;
  readonly channels?: readonly ChannelName[] | undefined;
}

export type Command =
  | Subscribe
  | { readonly type: "unsubscribe"; readonly symbols: Wanted }
  | { readonly type: "ping" };

const MAX_CONFLATE_MS = 60_000;

const names = z.union([
  z.string().transform((name) => [name]),
  z.array(z.string()).max(10_000),
]);
const options = {
  after: z.record(z.string(), z.string()).default({}),
  snapshot: z.boolean().default(true),
  batch: z.boolean().optional(),
  conflate_ms: z.int().min(0).max(MAX_CONFLATE_MS).optional(),
  on_slow: z.enum(["conflate", "disconnect"]).optional(),
  channels: z.array(z.string()).min(1).max(16).optional(),
};
const subscribeForms = z.union([
  z.object({ action: z.literal("subscribe"), symbols: names, ...options }),
  z.object({ subscribe: names, ...options }).transform(({ subscribe, ...rest }) => ({
    ...rest,
    symbols: subscribe,
  })),
]);
/** An empty list, or `true` as the word's value, means all. */
const dropped = z.union([z.literal(true).transform((): string[] => []), names]);

/** @throws CommandError when the text is no command. */
export function parseCommand(text: string): Command {
  const message = parseObject(text);
  const action = "action" in message ? message.action : undefined;
  if (action === "ping") return { type: "ping" };
  if (action === "subscribe" || "subscribe" in message) return parseSubscribe(message);
  if (action === "unsubscribe" || "unsubscribe" in message) {
    const value = "unsubscribe" in message ? message.unsubscribe : message.symbols ?? true;
    const parsed = dropped.safeParse(value);
    if (!parsed.success) throw misread("unsubscribe", parsed.error);
    return { type: "unsubscribe", symbols: wantedOf(parsed.data, "*") };
  }
  throw new CommandError(
    `Cannot read a message as subscribe, unsubscribe or ping: current value is ${shown(text)}`,
    { code: "unknown_command" },
  );
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CommandError(
      `Cannot read a message as JSON: ${messageOf(cause)}: current value is ${shown(text)}`,
      { code: "invalid_json", cause },
    );
  }
  const object = z.record(z.string(), z.unknown()).safeParse(value);
  if (object.success) return object.data;
  throw new CommandError(
    `Cannot read a message as a JSON object: current value is ${shown(text)}`,
    { code: "unknown_command" },
  );
}

function parseSubscribe(message: Record<string, unknown>): Subscribe {
  const parsed = subscribeForms.safeParse(message);
  if (!parsed.success) throw misread("subscribe", parsed.error);
  const { symbols, after, snapshot, batch, conflate_ms, on_slow, channels } = parsed.data;
  return {
    type: "subscribe",
    symbols: wantedOf(symbols, []),
    after,
    snapshot,
    batch,
    conflateMs: conflate_ms,
    onSlow: on_slow,
    channels: channels?.map(channelOf),
  };
}

function wantedOf(symbols: readonly string[], whenEmpty: Wanted): Wanted {
  if (symbols.includes("*")) return "*";
  if (symbols.length === 0) return whenEmpty;
  for (const symbol of symbols) {
    if (!isSymbol(symbol)) throw unknownSymbol(symbol);
  }
  return [...new Set(symbols)];
}

export function unknownSymbol(symbol: string): CommandError {
  return new CommandError(
    `Cannot find a symbol in the log or the universe: current value is ${shown(symbol)}`,
    { code: "unknown_symbol" },
  );
}

function channelOf(name: string): ChannelName {
  if (name === "ticks" || name === "quotes" || name === "status") return name;
  const why = /^bars:/.test(name)
    ? "bars are not offered on this stream"
    : "expected ticks, quotes or status";
  throw new CommandError(`Cannot subscribe to a channel: ${why}: current value is ${shown(name)}`, {
    code: "unknown_command",
  });
}

function misread(command: string, error: z.ZodError): CommandError {
  const issue = deepest(error.issues);
  const field = issue?.path.join(".") || command;
  return new CommandError(`Cannot read ${field} of ${command}: ${issue?.message ?? "not valid"}`, {
    code: "unknown_command",
    cause: error,
  });
}

/** A union's issue hides what is wrong in the member that was meant: the longest path shows it. */
function deepest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const all = issues.flatMap((issue) =>
    issue.code === "invalid_union" ? issue.errors.flat() : [issue]
  );
  return all.find((issue) => issue.code !== "invalid_type" || issue.path.length > 1) ?? all[0];
}

function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
