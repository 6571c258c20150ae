import { createHash } from "node:crypto";

export interface Asset {
  /** Media type, with its charset where it is text. */
  readonly type: string;
  readonly body: Uint8Array | string;
}

/** The page's files by path, `/` among them. */
export type Assets = ReadonlyMap<string, Asset>;

/** Nothing but the gateway's own files and streams; what the first rule does not cover is forbidden. */
const POLICY = [
  "default-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const tags = new WeakMap<Asset, string>();

/** The file of the request's path, or undefined. Browsers ask each time and mostly get a 304. */
export function serveAsset(assets: Assets, request: Request): Response | undefined {
  const asset = assets.get(new URL(request.url).pathname);
  if (asset === undefined) return undefined;
  const etag = tagOf(asset);
  const headers = {
    etag,
    "content-type": asset.type,
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
  };
  const known = request.headers.get("if-none-match")?.split(/\s*,\s*/) ?? [];
  if (known.includes(etag)) return new Response(null, { status: 304, headers });
  const { body } = asset;
  return new Response(typeof body === "string" ? body : new Uint8Array(body), { headers });
}

function tagOf(asset: Asset): string {
  const known = tags.get(asset);
  if (known !== undefined) return known;
  const tag = `"${createHash("sha256").update(asset.body).digest("base64url").slice(0, 22)}"`;
  tags.set(asset, tag);
  return tag;
}
