import type { SourceSymbol } from "../../lib/bridge/feed.ts";

interface Owner {
  readonly session: string;
  readonly feed: string;
}

/**
 * Whose stream symbols are whose: a symbol has one feed, so two sessions may share a symbol only when
 * they are logged in at one server and mean the same instrument. Who comes first keeps it.
 */
export class SymbolOwners {
  readonly #owners = new Map<string, Owner>();

  /** Takes the symbols for a session, or says why it cannot have them; then it has none of them. */
  claim(
    session: string,
    { name, symbols }: { name: string; symbols: readonly SourceSymbol[] },
  ): string | undefined {
    const claims = symbols.map(({ symbol, rawName }) => ({ symbol, feed: `${name}:${rawName}` }));
    const taken = claims.flatMap(({ symbol, feed }) => {
      const owner = this.#owners.get(symbol.toLowerCase());
      return owner === undefined || owner.session === session || owner.feed === feed
        ? []
        : [{ symbol, owner }];
    });
    const [first] = taken;
    if (first !== undefined) {
      const more = taken.length > 1 ? ` and ${taken.length - 1} more symbols` : "";
      return `${first.symbol}${more} would be one with ${first.owner.feed} of the session ` +
        `${first.owner.session}: give ${session} a suffix such as @${session.toLowerCase()}`;
    }
    for (const { symbol, feed } of claims) {
      const key = symbol.toLowerCase();
      const owner = this.#owners.get(key);
      if (owner === undefined || owner.session === session) {
        this.#owners.set(key, { session, feed });
      }
    }
    return undefined;
  }
}
