import { parseArgs } from "node:util";
import { z } from "zod";
import { bridgeAddress } from "../../lib/bridge/bridge_address.ts";
import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import { connectBridge, type ConnectOptions } from "../../lib/bridge/client.ts";
import { openDataFolder } from "../../lib/capture/data_folder.ts";
import { discover, type Discovery } from "../../lib/capture/discover.ts";
import { streamNames } from "../../lib/market/broker_symbol.ts";
import { readSymbolList, type SymbolList } from "../../lib/market/symbol_list.ts";
import { MARKETS } from "../../lib/market/universe.ts";
import { DEFAULT_FILTER, EVERYTHING } from "../../lib/market/universe_filter.ts";
import type { DescribedSymbol } from "../../lib/market/universe_symbol.ts";
import { messageOf } from "../../lib/program/errors.ts";
import {
  environment,
  list,
  readSettings,
  type Setting,
  settingNames,
  type Settings,
} from "../../lib/program/settings.ts";
import {
  dataDir as dataDirSetting,
  dataDirOf,
  type DataKind,
  dataKind,
} from "../../lib/program/shared_settings.ts";
import { collectorSettings } from "./config.ts";
import {
  discoveryJson,
  discoveryText,
  filterHint,
  permissionHint,
  universeUsage,
} from "./universe_text.ts";

const { bridgeHost, bridgePort, bridgeToken, bridgeCa } = collectorSettings;
/** An exported list is a broker's; a bridge says itself what it has. */
const listKind: Setting<DataKind> = { ...dataKind, fallback: "raw" };
const settingTable = {
  ...{ bridgeHost, bridgePort, bridgeToken, bridgeCa },
  dataDir: dataDirSetting,
  dataKind: listKind,
};

const DONE = 0, PARTIAL = 1, UNUSABLE = 2, UNREACHABLE = 3;

const optionSchema = z.object({
  discover: z.boolean(),
  from: z.string().min(1, "expected the path of a file").optional(),
  "data-dir": z.string().min(1, "expected the path of a folder").optional(),
  session: z.string().min(1).optional(),
  source: z.string().regex(/^[^\s,]+$/, "expected vendor:server").optional(),
  suffix: z.string().regex(/^@[A-Za-z0-9_.-]{1,31}$/, "expected @ and letters").optional(),
  aliases: z.string().min(1, "expected the path of a file").optional(),
  market: list.pipe(z.array(z.enum(MARKETS)).min(1)).optional(),
  mask: list.optional(),
  all: z.boolean(),
  json: z.boolean(),
  "dry-run": z.boolean(),
  help: z.boolean(),
}).refine((values) => values.help || values.discover !== (values.from !== undefined), {
  error: "expected one of --discover and --from",
  path: ["discover"],
});
type Options = z.infer<typeof optionSchema>;

interface Request {
  readonly options: Options;
  readonly settings: Settings<typeof settingTable>;
}

/** The command line of the universe. Resolves with the exit code; see the usage. */
export async function runUniverse(args: readonly string[]): Promise<number> {
  let request: Request;
  try {
    const settings = readSettings(settingTable, environment(settingNames(settingTable)));
    request = { options: parseOptions(args), settings };
  } catch (cause) {
    console.error(`${messageOf(cause)}\n\n${universeUsage}`);
    return UNUSABLE;
  }
  if (request.options.help) {
    console.log(universeUsage);
    return DONE;
  }
  try {
    return await (request.options.discover ? fromBridge(request) : fromList(request));
  } catch (cause) {
    console.error([messageOf(cause), ...hintsOf(cause)].join("\n"));
    return cause instanceof BridgeError ? UNREACHABLE : UNUSABLE;
  }
}

/** What to do about it. A range error is that the filter left nothing. */
function hintsOf(error: unknown): string[] {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof Deno.errors.NotCapable) return [permissionHint];
    if (cause instanceof RangeError) return [filterHint];
  }
  return [];
}

async function fromList(request: Request): Promise<number> {
  const { options, settings } = request, path = options.from ?? "";
  const symbols = await readList(path);
  const source = options.source ?? symbols.source ??
    `list:${path.replace(/^.*[\\/]/, "").replace(/[\s,]+/g, "_")}`;
  const specs = await describedOf(symbols, options);
  show(await record(request, { specs, source, kind: settings.dataKind }), request);
  return DONE;
}

/** Every session of the bridge, or the one that was named; one that is down does not stop the others. */
async function fromBridge(request: Request): Promise<number> {
  const address = await bridgeAddress(request.settings);
  const bridge = { ...address, signal: new AbortController().signal };
  const { session } = request.options;
  const names = session === undefined ? await sessionsOf(bridge) : [session];
  let failed = 0;
  for (const name of names) {
    try {
      await using connection = await connectBridge({ ...bridge, session: name });
      const { name: source, kind } = connection.source;
      show(await record(request, { specs: await connection.specs(), source, kind }), request);
    } catch (cause) {
      if (names.length === 1) throw cause;
      console.error(`Session ${name}: ${messageOf(cause)}`);
      failed++;
    }
  }
  return failed === 0 ? DONE : failed < names.length ? PARTIAL : UNREACHABLE;
}

async function sessionsOf(bridge: ConnectOptions): Promise<string[]> {
  try {
    await using connection = await connectBridge(bridge);
    return connection.sessions.map(({ name }) => name);
  } catch (cause) {
    if (!(cause instanceof BridgeError) || cause.sessions.length === 0) throw cause;
    return cause.sessions.map(({ name }) => name);
  }
}

async function record(
  { options, settings }: Request,
  { specs, source, kind }: {
    specs: readonly DescribedSymbol[];
    source: string;
    kind: DataKind;
  },
): Promise<Discovery & { readonly dataDir: string }> {
  const dataDir = options["data-dir"] ?? dataDirOf({ dataDir: settings.dataDir, dataKind: kind });
  const dryRun = options["dry-run"];
  if (!dryRun) await openDataFolder(dataDir, kind);
  const base = options.all ? EVERYTHING : DEFAULT_FILTER;
  const filter = {
    ...base,
    markets: options.market ?? base.markets,
    masks: options.mask ?? base.masks,
  };
  const nowUtcMs = Date.now();
  const discovery = await discover({ specs, source, dataDir, nowUtcMs, filter, dryRun });
  return { ...discovery, dataDir };
}

function show(discovery: Discovery & { readonly dataDir: string }, { options }: Request): void {
  console.log(options.json ? discoveryJson(discovery) : discoveryText(discovery));
}

/** With the names that the list has for the stream, unless the arguments say how to make them. */
async function describedOf(
  { symbols }: SymbolList,
  { aliases: path, suffix }: Options,
): Promise<DescribedSymbol[]> {
  const given = symbols.flatMap(({ symbol, ...rest }) =>
    symbol === undefined ? [] : [{
      ...rest,
      symbol,
    }]
  );
  if (path === undefined && suffix === undefined && given.length === symbols.length) return given;
  const aliases = path === undefined ? undefined : await readAliases(path);
  return streamNames(symbols.map(({ rawName, fields }) => ({ rawName, fields })), {
    aliases,
    suffix,
  });
}

async function readList(path: string): Promise<SymbolList> {
  const value = await readJson(path, "a list of symbols");
  try {
    return readSymbolList(value);
  } catch (cause) {
    throw new TypeError(`Cannot use ${path} as a list of symbols`, { cause });
  }
}

async function readAliases(path: string): Promise<Record<string, string>> {
  const value = await readJson(path, "aliases");
  const parsed = z.record(z.string(), z.string()).safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TypeError(
    `Cannot read ${path} as aliases by a broker's names: current value is ` +
      JSON.stringify(value).slice(0, 60),
  );
}

async function readJson(path: string, want: string): Promise<unknown> {
  try {
    return JSON.parse(textOf(await Deno.readFile(path)));
  } catch (cause) {
    throw new TypeError(`Cannot read ${path} as ${want}`, { cause });
  }
}

/** A shell of Windows redirects into UTF-16, which its first two bytes tell. */
function textOf(bytes: Uint8Array): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8").decode(bytes);
}

function parseOptions(args: readonly string[]): Options {
  const flag = { type: "boolean", default: false } as const;
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      discover: flag,
      from: text,
      "data-dir": text,
      session: text,
      source: text,
      suffix: text,
      aliases: text,
      market: text,
      mask: text,
      all: flag,
      json: flag,
      "dry-run": flag,
      help: flag,
    },
  });
  const parsed = optionSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw new TypeError(
    parsed.error.issues.map(({ path: [name], message }) => {
      const given = Object.entries(values).find(([key]) => key === name)?.[1];
      return `Cannot read --${String(name)}: ${message}: current value is ${JSON.stringify(given)}`;
    }).join("\n"),
  );
}

if (import.meta.main) Deno.exit(await runUniverse(Deno.args));
