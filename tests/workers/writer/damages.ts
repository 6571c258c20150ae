import { Calendars } from "../../../lib/time/calendar/calendars.ts";
import type { Difference } from "../../../workers/writer/verify/difference.ts";
import type { VerifyOptions } from "../../../workers/writer/verify/verify_options.ts";
import { type Verification, verify } from "../../../workers/writer/verify/verifying.ts";

/** Reads a folder again at once, as `deno task verify` does; its silences are nobody's fault here. */
export async function verified(
  dataDir: string,
  overrides: Partial<VerifyOptions> = {},
): Promise<Verification> {
  using calendars = await Calendars.open({ dataDir });
  return await verify({
    dataDir,
    calendars,
    symbols: [],
    quick: false,
    workers: 2,
    silenceMs: Infinity,
    recheckMs: 0,
    ...overrides,
  });
}

/** What is damaged, and nothing else. */
export async function damagesIn(dataDir: string): Promise<readonly Difference[]> {
  const { differences } = await verified(dataDir);
  return differences.filter(({ severity }) => severity === "damage");
}
