import { z } from "zod";
import { streamNames } from "../../lib/market/broker_symbol.ts";
import { decodeText } from "../../lib/program/decode_text.ts";
import { messageOf } from "../../lib/program/errors.ts";
import {
  environment,
  readSettings,
  type Settings,
  SettingsError,
  type SettingTable,
} from "../../lib/program/settings.ts";
import type { settings } from "../config.ts";
import { DRIVER_SETTINGS, openSettings, type Vendor } from "./vendor_settings.ts";

/** One login: what the settings say of it, checked. */
export interface SessionSettings {
  readonly name: string;
  readonly vendor: Vendor;
  /** Behind each of its stream symbols, with its `@`. */
  readonly suffix: string | undefined;
  readonly aliases: Readonly<Record<string, string>>;
  readonly python: string | undefined;
  /** What its driver is told; holds the password. */
  readonly open: Readonly<Record<string, unknown>>;
}

type Aliases = SessionSettings["aliases"];

const MAX_SESSIONS = 32;
const REQUIRED: Readonly<Record<Vendor, readonly string[]>> = {
  mt5: ["login", "password", "server"],
  fxcm: ["user", "password"],
};
/** Variables that hold passwords: the bridge may read no others that a file names. */
const PASSWORD_VARIABLE = /^(SESSION_PASSWORD_\w+|MT5_PASSWORD|FXCM_PASSWORD|FXCM_PIN)$/;

const aliasTable = z.record(z.string(), z.string());
const entry = z.looseObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,30}$/, "expected letters, digits, _ and -"),
  vendor: z.enum(["mt5", "fxcm"]),
  suffix: z.string().regex(/^@[A-Za-z0-9_.-]{1,31}$/, "expected @ and letters or digits")
    .optional(),
  aliases: aliasTable.optional(),
  python: z.string().min(1).optional(),
});
const COMMON_FIELDS = new Set(Object.keys(entry.shape));

/**
 * The one session of `SOURCE=mt5` or `SOURCE=fxcm`, named like its vendor.
 * @throws SettingsError that names every setting it lacks.
 */
export async function singleSession(
  vendor: Vendor,
  set: Settings<typeof settings>,
): Promise<SessionSettings> {
  const open = openSettings(vendor, set);
  const wrong = missing(
    vendor,
    (key) => open[key] === undefined ? DRIVER_SETTINGS[vendor][key]?.name : undefined,
  );
  let aliases: Aliases = {};
  try {
    if (set.symbolAliases !== undefined) aliases = await readAliases(set.symbolAliases);
    streamNames([], { aliases });
  } catch (cause) {
    wrong.push(`Cannot read SYMBOL_ALIASES: ${messageOf(cause)}`);
  }
  if (wrong.length > 0) throw new SettingsError(wrong.join("\n"));
  return { name: vendor, vendor, suffix: set.symbolSuffix, aliases, python: set.python, open };
}

/**
 * The sessions of a file.
 * @throws SettingsError that names everything that is wrong with it.
 */
export async function readSessionsFile(path: string): Promise<SessionSettings[]> {
  const wrong: string[] = [];
  const sessions: SessionSettings[] = [];
  for (const [index, item] of (await readList(path)).entries()) {
    const parsed = entry.safeParse(item);
    if (parsed.success) {
      sessions.push(await readEntry(parsed.data, wrong));
      continue;
    }
    for (const issue of parsed.error.issues) {
      const field = ["sessions", index, ...issue.path].join(".");
      wrong.push(`Cannot read ${field} in SESSIONS_FILE: ${issue.message}`);
    }
  }
  wrong.push(...clashes(sessions));
  if (wrong.length > 0) throw new SettingsError(wrong.join("\n"));
  return sessions;
}

async function readList(path: string): Promise<unknown[]> {
  try {
    return z.array(z.unknown()).min(1).max(MAX_SESSIONS).parse(await readJson(path));
  } catch (cause) {
    const task =
      `Cannot read SESSIONS_FILE ${path} as a JSON list of 1 to ${MAX_SESSIONS} sessions`;
    if (cause instanceof z.ZodError) throw new SettingsError(`${task}: it is none`);
    const hint = cause instanceof SyntaxError
      ? " (in JSON a path has two backslashes for one)"
      : "";
    throw new SettingsError(`${task}${hint}`, { cause });
  }
}

async function readEntry(
  item: z.infer<typeof entry>,
  wrong: string[],
): Promise<SessionSettings> {
  const { name, vendor, suffix, aliases = {}, python } = item;
  const table = labelled(DRIVER_SETTINGS[vendor], name);
  const texts: Record<string, string> = {};
  const secrets: Record<string, string> = {};
  for (const [field, value] of Object.entries(item)) {
    if (COMMON_FIELDS.has(field)) continue;
    try {
      const { key, text } = await readField(field, value, table);
      texts[`${name}.${key}`] = text;
      // Setting texts lose spaces and quotes at their ends, which in a password are its own.
      if (table[key]?.secret) secrets[key] = text;
    } catch (cause) {
      wrong.push(`Cannot read ${name}.${field} in SESSIONS_FILE: ${messageOf(cause)}`);
      // What is wrong is not missing too.
      texts[`${name}.${field.replace(/(Env|File)$/, "")}`] = "";
    }
  }
  wrong.push(...missing(vendor, (key) => {
    return texts[`${name}.${key}`] === undefined ? `${name}.${key} in SESSIONS_FILE` : undefined;
  }));
  let open: Readonly<Record<string, unknown>> = {};
  try {
    open = { ...readSettings(table, texts), ...secrets };
    streamNames([], { suffix, aliases });
  } catch (cause) {
    wrong.push(messageOf(cause));
  }
  return { name, vendor, suffix, aliases, python, open };
}

/** One field as the setting it is, or as the file or variable that holds it. */
async function readField(
  field: string,
  value: unknown,
  table: SettingTable,
): Promise<{ key: string; text: string }> {
  const own = table[field];
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    throw new TypeError("expected a text, a number, true or false");
  }
  const text = String(value);
  if (own !== undefined) {
    if (!own.secret) return { key: field, text };
    throw new TypeError(`it does not belong in this file: use ${field}Env or ${field}File`);
  }
  const [, key = "", from] = /^(\w+)(Env|File)$/.exec(field) ?? [];
  if (table[key]?.secret !== true) throw new TypeError("there is no such field");
  if (from === "File") return { key, text: await readSecret(text) };
  if (!PASSWORD_VARIABLE.test(text)) {
    throw new TypeError(
      `the bridge may read no variable ${text}: call it SESSION_PASSWORD_ and a name of your own`,
    );
  }
  const secret = environment([text])[text];
  if (secret === undefined || secret === "") throw new TypeError(`${text} is not set`);
  return { key, text: secret };
}

/** The same settings under the names that a reader of the file knows. */
function labelled(table: SettingTable, session: string): SettingTable {
  return Object.fromEntries(
    Object.entries(table).map(([key, setting]) => [key, { ...setting, name: `${session}.${key}` }]),
  );
}

/** What a vendor cannot do without; `lacks` names it, or is undefined where it is there. */
function missing(vendor: Vendor, lacks: (key: string) => string | undefined): string[] {
  return REQUIRED[vendor].flatMap((key) => {
    const name = lacks(key);
    return name === undefined ? [] : [
      `Cannot log in at ${vendor} without ${name}: ${DRIVER_SETTINGS[vendor][key]?.about ?? ""}`,
    ];
  });
}

/** Sessions that would be one to whoever names them, or to the terminal that they share. */
function clashes(sessions: readonly SessionSettings[]): string[] {
  const wrong: string[] = [];
  const names = new Set<string>();
  const terminals = new Map<string, string>();
  for (const { name, vendor, open } of sessions) {
    if (names.has(name.toLowerCase())) {
      wrong.push(`Cannot tell two sessions apart in SESSIONS_FILE: both are called ${name}`);
    }
    names.add(name.toLowerCase());
    if (vendor !== "mt5") continue;
    const terminal = String(open.terminal ?? "").replaceAll("\\", "/").toLowerCase();
    const other = terminals.get(terminal);
    terminals.set(terminal, name);
    if (other === undefined) continue;
    wrong.push(
      `Cannot use one terminal for ${other} and ${name} in SESSIONS_FILE: it has one account; give each session its own terminal, with portable`,
    );
  }
  return wrong;
}

/** The file's text without the end of its line. @throws TypeError when there is none. */
async function readSecret(path: string): Promise<string> {
  const secret = decodeText(await Deno.readFile(path)).replace(/[\r\n]+$/, "");
  if (secret === "") throw new TypeError(`${path} is empty`);
  return secret;
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(decodeText(await Deno.readFile(path)));
}

async function readAliases(path: string): Promise<Aliases> {
  const parsed = aliasTable.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  throw new TypeError(`${path} is no JSON object of texts`);
}
