/** Who may talk to the gateway, decided from a request's headers alone. */

export interface GuardOptions {
  readonly bindHost: string;
  readonly allowedHosts: readonly string[] | undefined;
  readonly allowedOrigins: readonly string[] | undefined;
}

export interface Addressed {
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;

/**
 * A page of another site can make a browser look a name up as a loopback address and then talk to
 * the gateway as its own site. The Host header gives that away: it bears the other site's name.
 */
export function isHostAllowed({ host }: Addressed, options: GuardOptions): boolean {
  const { bindHost, allowedHosts } = options;
  if (allowedHosts === undefined && !LOOPBACK.test(bindHost)) return true;
  const name = host?.replace(/:\d+$/, "").toLowerCase() ?? "";
  if (LOOPBACK.test(name) || name === bindHost.toLowerCase()) return true;
  return (allowedHosts ?? []).some((allowed) => {
    return allowed.toLowerCase() === name || allowed.toLowerCase() === host?.toLowerCase();
  });
}

/**
 * Browsers let any page open a WebSocket to anywhere, and say so in Origin. Programs send none and
 * are let in; a page must be the gateway's own or one that is named.
 */
export function isOriginAllowed({ host, origin }: Addressed, options: GuardOptions): boolean {
  if (origin === undefined) return true;
  if (options.allowedOrigins?.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
