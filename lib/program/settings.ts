import { z } from "zod";

/** One setting: the variable that sets it, what it means, its default as text, and its unit. */
export interface Setting<T, Fallback extends string | undefined = string> {
  /** The environment variable. */
  readonly name: string;
  readonly schema: z.ZodType<T, string>;
  /** As one would write it in the environment; `undefined` when there is no default. */
  readonly fallback: Fallback;
  /** What it does, with its unit and why the default is what it is. One sentence. */
  readonly about: string;
  /** Never shown, whatever its value. */
  readonly secret?: boolean;
}

/** A setting without a default: its value may be undefined. */
export type OptionalSetting<T> = Setting<T, undefined>;

export type SettingTable = Readonly<Record<string, Setting<unknown> | OptionalSetting<unknown>>>;

export type Settings<S extends SettingTable> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T
    : S[K] extends OptionalSetting<infer T> ? T | undefined
    : never;
};

/** Text by variable name: the environment, or what `start` hands to a worker. */
export type SettingTexts = Readonly<Record<string, string | undefined>>;

/** Settings with wrong values: every one of them, by name; a secret's value stays out. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/**
 * Reads several tables, so that the wrong values of all are reported together.
 * @throws SettingsError that names every wrong value at once.
 */
export function readAllSettings<A extends SettingTable, B extends SettingTable>(
  [first, second]: readonly [A, B],
  texts: SettingTexts,
): [Settings<A>, Settings<B>] {
  readSettings<SettingTable>({ ...first, ...second }, texts);
  return [readSettings(first, texts), readSettings(second, texts)];
}

/** @throws SettingsError that names every wrong value at once. */
export function readSettings<S extends SettingTable>(table: S, texts: SettingTexts): Settings<S> {
  const values: Record<string, unknown> = {};
  const wrong: string[] = [];
  for (const [key, setting] of Object.entries(table)) {
    const text = settingText(texts, setting.name) ?? setting.fallback;
    if (text === undefined) continue;
    const parsed = setting.schema.safeParse(text);
    if (parsed.success) {
      values[key] = parsed.data;
    } else {
      const shown = setting.secret ? "a value that is not shown" : JSON.stringify(text);
      const reason = parsed.error.issues.map((issue) => issue.message).join(", ");
      wrong.push(`Cannot read ${setting.name}: ${reason}: current value is ${shown}`);
    }
  }
  if (wrong.length > 0) throw new SettingsError(wrong.join("\n"));
  return values as Settings<S>;
}

/** The variables a table reads, for a permission set. */
export function settingNames(table: SettingTable): string[] {
  return Object.values(table).map((setting) => setting.name);
}

/** The named variables of the process; one that may not be read counts as not set. */
export function environment(names: readonly string[]): SettingTexts {
  return Object.fromEntries(names.map((name) => [name, readVariable(name)]));
}

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) return undefined;
    throw cause;
  }
}

/** Values out of `.env` files carry quotes and spaces; an empty one counts as not set. */
export function settingText(texts: SettingTexts, name: string): string | undefined {
  const inner = texts[name]?.trim().replace(/^(["'])(.*)\1$/s, "$2").trim();
  return inner === "" ? undefined : inner;
}

/** Whole number of a unit, in a range. */
export function integer(range: { min: number; max: number }): z.ZodType<number, string> {
  return z.string().regex(/^-?\d+$/, "expected a whole number").transform(Number)
    .pipe(z.number().min(range.min).max(range.max));
}

export function number(range: { min: number; max: number }): z.ZodType<number, string> {
  return z.string().regex(/^-?\d+(\.\d+)?$/, "expected a number").transform(Number)
    .pipe(z.number().min(range.min).max(range.max));
}

export const port: z.ZodType<number, string> = integer({ min: 0, max: 65535 });
export const text: z.ZodType<string, string> = z.string().min(1);
export const flag: z.ZodType<boolean, string> = z.enum(["0", "1", "true", "false"])
  .transform((value) => value === "1" || value === "true");
/** Names separated by commas or spaces. */
export const list: z.ZodType<string[], string> = z.string()
  .transform((value) => value.split(/[\s,]+/).filter((item) => item !== ""));
