import { createHmac, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { z } from "zod";
import { formatId, parseId, type TickId } from "../../lib/market/tick_id.ts";

/** Where a stream stands: what an EventSource hands back after a break. */
export interface StreamPosition {
  readonly epoch: string;
  readonly positions: ReadonlyMap<string, TickId>;
}

const content = z.object({ e: z.string(), p: z.record(z.string(), z.string()) });

/**
 * An opaque token, signed with the log's own key, so that any gateway of the same log takes it and
 * nobody else's. Safe in a header and in a query.
 */
export function signPosition({ epoch, positions }: StreamPosition, key: string): string {
  const ids = Object.fromEntries([...positions].map(([symbol, id]) => [symbol, formatId(id)]));
  const body = Buffer.from(JSON.stringify({ e: epoch, p: ids })).toString("base64url");
  return `${body}.${macOf(body, key).toString("base64url")}`;
}

/** Undefined when the token is none that was signed with this key. */
export function readPosition(token: string, key: string): StreamPosition | undefined {
  const [body = "", mac = "", ...rest] = token.split(".");
  const expected = macOf(body, key), given = Buffer.from(mac, "base64url");
  if (rest.length > 0 || given.length !== expected.length) return undefined;
  if (!timingSafeEqual(given, expected)) return undefined;
  // Signed, so written by `signPosition`: whatever fails here is a fault of this program.
  const { e, p } = content.parse(JSON.parse(Buffer.from(body, "base64url").toString()));
  const positions = new Map(Object.entries(p).map(([symbol, id]) => [symbol, parseId(id)]));
  return { epoch: e, positions };
}

function macOf(body: string, key: string): Buffer {
  return createHmac("sha256", key).update(body).digest();
}
