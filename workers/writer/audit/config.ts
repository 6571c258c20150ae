import { z } from "zod";
import type { OptionalSetting } from "../../../lib/program/settings.ts";
import {
  bridgeCa,
  bridgeHost,
  bridgePort,
  bridgeToken,
  brokerTz,
  dataDir,
  logBackend,
  redisUrl,
} from "../../../lib/program/shared_settings.ts";

/** Ms after midnight UTC, or never. */
export type AuditAt = number | "off";

/** Half past two: a vendor has settled the day, and the week's sessions are quiet. */
export const DEFAULT_AUDIT_AT: AuditAt = 2.5 * 3_600_000;

export const auditAt: OptionalSetting<AuditAt> = {
  name: "AUDIT_AT",
  schema: z.string().regex(/^(?:([01]\d|2[0-3]):[0-5]\d|off)$/, "expected HH:MM (UTC) or off")
    .transform((value) => {
      if (value === "off") return value;
      const [hours = 0, minutes = 0] = value.split(":").map(Number);
      return (hours * 60 + minutes) * 60_000;
    }),
  fallback: undefined,
  about:
    "When the writer compares yesterday's files with the vendor's history, HH:MM in UTC; by default 02:30 for captured data, and off for invented and recorded data, which have no vendor that could know better.",
};

/** What asking a vendor takes. */
export const vendorSettings = { bridgeHost, bridgePort, bridgeToken, bridgeCa, brokerTz };

/** Of the command line. */
export const auditSettings = { ...vendorSettings, dataDir, logBackend, redisUrl };
