import bundle from "./bundle.json" with { type: "json" };

export interface Asset {
  /** Value of the Content-Type header. */
  readonly type: string;
  readonly body: string | Uint8Array;
}

/**
 * What the gateway serves to people, by path: `/`, `/page.js`, `/page.css`, `/favicon.svg`. It comes
 * as a JSON module, which a compiled executable carries like any other: no file is looked for at
 * run time, and nothing is built before a start. Everything loads under `default-src 'self'`.
 */
export const assets: ReadonlyMap<string, Asset> = new Map(Object.entries(bundle));
