import { decodeText } from "../program/decode_text.ts";
import { settingText, type SettingTexts } from "../program/settings.ts";

/**
 * What the bridge needs of the machine for the source that is set: `start` gives it so much and no
 * more. A value that is wrong needs nothing: the bridge reads it again and says what is wrong.
 */

/** Tried where no interpreter is named. */
const INTERPRETERS = ["py", "python", "python3"];

/** What its ticks are, and so where they may live. */
export function kindOfSource(texts: SettingTexts): "raw" | "replay" | "simulated" {
  const source = settingText(texts, "SOURCE") ?? "simulated";
  return source === "simulated" || source === "replay" ? source : "raw";
}

/** What the settings name for reading: recordings, lists, certificates, passwords, a venv. */
export function filesOfSource(texts: SettingTexts): string[] {
  const files: unknown = JSON.parse(settingText(texts, "REPLAY_FILES") ?? "[]");
  const names = ["REPLAY_MAPPING", "BRIDGE_TLS_CERT", "BRIDGE_TLS_KEY"];
  if (kindOfSource(texts) === "raw") names.push("SESSIONS_FILE", "SYMBOL_ALIASES", "PYTHON");
  const named = [
    ...Array.isArray(files) ? files : [],
    ...names.map((name) => settingText(texts, name)),
    ...sessionsOf(texts).flatMap((session) =>
      Object.entries(session)
        .filter(([field]) => field.endsWith("File") || field === "python")
        .map(([, value]) => value)
    ),
  ];
  return named.filter((file) => typeof file === "string" && file !== "");
}

/** Which programs the bridge may start: interpreters of Python for drivers, else none. */
export function interpretersOfSource(texts: SettingTexts): string[] {
  if (kindOfSource(texts) !== "raw") return [];
  const named = settingText(texts, "PYTHON");
  const sessions = sessionsOf(texts);
  const all = sessions.length === 0
    ? [named]
    : sessions.map(({ python }) => typeof python === "string" ? python : named);
  const found = all.flatMap((python) =>
    python === undefined ? INTERPRETERS : [interpreterAt(python)]
  );
  return [...new Set(found)];
}

/** A venv is named by its folder. */
function interpreterAt(python: string): string {
  try {
    if (!Deno.statSync(python).isDirectory) return python;
  } catch {
    return python;
  }
  const folder = python.replace(/[\\/]+$/, "");
  return Deno.build.os === "windows" ? `${folder}\\Scripts\\python.exe` : `${folder}/bin/python`;
}

function sessionsOf(texts: SettingTexts): Record<string, unknown>[] {
  const path = settingText(texts, "SESSIONS_FILE");
  if (settingText(texts, "SOURCE") !== "sessions" || path === undefined) return [];
  try {
    const list: unknown = JSON.parse(decodeText(Deno.readFileSync(path)));
    if (!Array.isArray(list)) return [];
    return list.filter((item) => typeof item === "object" && item !== null);
  } catch {
    return [];
  }
}
