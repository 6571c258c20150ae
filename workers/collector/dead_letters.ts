import type { Ticks } from "../../lib/market/tick.ts";
import type { Refusal } from "../../lib/market/admission.ts";

const HEADER = "refused_at_utc,symbol,reason,server_ms,bid,ask,last,volume,flags\n";

/**
 * Where refused ticks go: `metadata/dead_letters/<UTC day>.csv`, so that nothing is dropped in
 * silence. A re-read after a break may list a tick again.
 */
export class DeadLetters {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = `${dataDir}/metadata/dead_letters`;
  }

  /** Resolves when the rows are on their way to the disk with the OS. */
  async write(
    symbol: string,
    refused: readonly (readonly [Refusal, number])[],
    ticks: Ticks,
  ): Promise<void> {
    const now = new Date().toISOString();
    const path = `${this.#folder}/${now.slice(0, 10)}.csv`;
    await Deno.mkdir(this.#folder, { recursive: true });
    const rows = refused.map(([reason, index]) => {
      const tick = ticks.get(index);
      return [
        now,
        symbol,
        reason,
        tick.serverMs,
        tick.bid,
        tick.ask,
        tick.last,
        tick.volume,
        tick.flags,
      ].join(",");
    });
    using file = await Deno.open(path, { create: true, append: true });
    const header = (await file.stat()).size === 0 ? HEADER : "";
    const bytes = new TextEncoder().encode(`${header}${rows.join("\n")}\n`);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  }
}
