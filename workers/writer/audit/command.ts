import { parseArgs } from "node:util";
import { z } from "zod";
import { BridgeError } from "../../../lib/bridge/bridge_error.ts";
import { connectBridge } from "../../../lib/bridge/client.ts";
import { openDataFolder } from "../../../lib/capture/data_folder.ts";
import { type Day, dayOf } from "../../../lib/capture/day_path.ts";
import { openLogReader } from "../../../lib/log/open_log.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import {
  environment,
  list,
  readSettings,
  settingNames,
  type Settings,
} from "../../../lib/program/settings.ts";
import { auditDay } from "./audit_day.ts";
import { type TickAudit, writeAudit } from "./audit_record.ts";
import { bridgeAddress } from "../../../lib/bridge/bridge_address.ts";
import { auditSettings } from "./config.ts";
import { auditText, auditUsage, isGood } from "./report.ts";
import { symbolsOfDay } from "./symbols_of_day.ts";
import { Vendors } from "./vendors.ts";

const GOOD = 0, DIFFERS = 1, UNUSABLE = 2, UNREACHABLE = 3;
const DAY_MS = 86_400_000;

const optionSchema = z.object({
  date: z.iso.date("expected a day such as 2025-12-22").optional(),
  symbols: list.pipe(z.array(z.string()).min(1, "expected at least one symbol")).optional(),
  json: z.boolean(),
  "dry-run": z.boolean(),
  help: z.boolean(),
});

interface Request {
  readonly options: z.infer<typeof optionSchema>;
  readonly settings: Settings<typeof auditSettings>;
}

/** The command line of the audit. Resolves with the exit code; see the usage. */
export async function runAudit(args: readonly string[], signal: AbortSignal): Promise<number> {
  let request: Request;
  try {
    const settings = readSettings(auditSettings, environment(settingNames(auditSettings)));
    request = { options: parseOptions(args), settings };
  } catch (cause) {
    console.error(`${messageOf(cause)}\n\n${auditUsage}`);
    return UNUSABLE;
  }
  if (request.options.help) {
    console.log(auditUsage);
    return GOOD;
  }
  try {
    return await auditAll(request, signal);
  } catch (cause) {
    console.error(messageOf(cause));
    if (signal.aborted) return DIFFERS;
    return cause instanceof BridgeError ? UNREACHABLE : UNUSABLE;
  }
}

async function auditAll({ options, settings }: Request, signal: AbortSignal): Promise<number> {
  const { brokerTz, logBackend: backend, redisUrl } = settings;
  const bridge = await bridgeAddress(settings);
  const kind = await kindOf({ ...bridge, signal });
  const dataDir = settings.dataDir ?? `data/${kind}`;
  await openDataFolder(dataDir, kind);
  await using log = await openLogReader({
    backend,
    redisUrl,
    dataDir,
    kind,
    readerPositions: false,
  });
  const vendors = new Vendors({ bridge, dataDir, brokerTz, signal });
  const day = dayFrom(options.date), dryRun = options["dry-run"];
  const audits: TickAudit[] = [];
  for (const symbol of options.symbols ?? await symbolsOfDay(dataDir, day)) {
    const audit = await auditDay({ dataDir, symbol, day, vendors, log, dryRun, signal });
    if (!dryRun) await writeAudit(dataDir, audit, day);
    if (options.json) console.log(JSON.stringify(audit));
    audits.push(audit);
  }
  if (!options.json) {
    console.log(audits.length === 0 ? "no sealed file of that day is here" : auditText(audits));
  }
  return audits.length > 0 && audits.every(isGood) ? GOOD : DIFFERS;
}

/** What the bridge gives decides which folder is meant. */
async function kindOf(bridge: Parameters<typeof connectBridge>[0]) {
  await using connection = await connectBridge({ ...bridge, session: "*" });
  return connection.source.kind;
}

function dayFrom(date: string | undefined): Day {
  return dayOf(date === undefined ? Date.now() - DAY_MS : Date.parse(`${date}T00:00:00Z`));
}

/** @throws TypeError that names what is wrong. */
function parseOptions(args: readonly string[]): Request["options"] {
  const { values } = parseArgs({
    args: [...args],
    options: {
      date: { type: "string" },
      symbols: { type: "string" },
      json: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const parsed = optionSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `--${path.join(".")}: ${message}`);
  throw new TypeError(`Cannot read the arguments of audit: ${wrong.join("; ")}`);
}
