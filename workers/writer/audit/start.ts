import type { Settings } from "../../../lib/program/settings.ts";
import type { Captures } from "../captures.ts";
import { bridgeAddress } from "../../../lib/bridge/bridge_address.ts";
import type { auditAt, vendorSettings } from "./config.ts";
import { NightlyAudit, type NightlyOptions } from "./nightly.ts";
import { Vendors } from "./vendors.ts";

/** The audit of a writer: of the symbols it captures, at the vendors of the bridge. */
export function startNightlyAudit(
  settings: Settings<typeof vendorSettings & { auditAt: typeof auditAt }>,
  { captures, ...options }:
    & { readonly captures: Pick<Captures, "capturing"> }
    & Pick<NightlyOptions, "dataDir" | "kind" | "log" | "events" | "health" | "sealed">,
): NightlyAudit {
  const { auditAt, brokerTz } = settings, { dataDir } = options;
  return new NightlyAudit({
    ...options,
    auditAt,
    symbols: () => captures.capturing().map(({ symbol }) => symbol),
    vendors: async (signal) =>
      new Vendors({ bridge: await bridgeAddress(settings), dataDir, brokerTz, signal }),
  });
}
