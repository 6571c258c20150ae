import { settings as bridgeSettings } from "../../bridge/config.ts";
import { settingNames, type SettingTable } from "../../lib/program/settings.ts";
import { sharedSettings, startSettings } from "../../lib/program/shared_settings.ts";
import { collectorSettings } from "../../workers/collector/config.ts";
import { gatewaySettings } from "../../workers/gateway/config.ts";
import { healthSettings } from "../../workers/health/config.ts";
import { ingestSettings } from "../../workers/collector/ingest/config.ts";
import { auditSettings } from "../../workers/writer/audit/config.ts";
import { backupSettings } from "../../workers/writer/backup/config.ts";
import { writerSettings } from "../../workers/writer/config.ts";
import { parquetSettings } from "../../workers/writer/parquet/config.ts";
import { verifySettings } from "../../workers/writer/verify/config.ts";

/**
 * The settings of all programs, as the README and the permission sets of deno.json must state them.
 * After a change of a `config.ts`: `deno run -A tests/support/settings_table.ts`.
 */

export const SETTINGS: Readonly<Record<string, SettingTable>> = {
  bridge: bridgeSettings,
  collector: collectorSettings,
  writer: writerSettings,
  gateway: gatewaySettings,
  health: healthSettings,
};

/** Of the command lines, each with all that it reads. */
export const COMMAND_SETTINGS: Readonly<Record<string, SettingTable>> = {
  ingest: ingestSettings,
  verify: verifySettings,
  audit: auditSettings,
  parquet: parquetSettings,
  backup: backupSettings,
};

/** The variables each permission set names, `start` included. */
export function variablesBySet(): Record<string, string[]> {
  const sets = Object.fromEntries(
    Object.entries(SETTINGS).map(([program, table]) => [
      program,
      [...new Set([...settingNames(sharedSettings), ...settingNames(table)])].sort(),
    ]),
  );
  const all = new Set([...settingNames(startSettings), ...Object.values(sets).flat()]);
  const commands = Object.fromEntries(
    Object.entries(COMMAND_SETTINGS).map(([name, table]) => [name, settingNames(table).sort()]),
  );
  return { ...sets, ...commands, start: [...all].sort() };
}

/** A Markdown table: name, default, who reads it, what it does. */
export function settingsTable(): string {
  const rows = new Map<string, { fallback: string; programs: string[]; about: string }>();
  const tables = Object.entries({
    all: sharedSettings as SettingTable,
    ...SETTINGS,
    ...COMMAND_SETTINGS,
  });
  for (const [program, table] of tables) {
    for (const { name, fallback, about } of Object.values(table)) {
      const row = rows.get(name);
      if (row !== undefined) {
        if (row.programs[0] !== "all") row.programs.push(program);
      } else rows.set(name, { fallback: fallback ?? "", programs: [program], about });
    }
  }
  const lines = [...rows].sort(([a], [b]) => a < b ? -1 : 1).map(([name, row]) => {
    const fallback = row.fallback === "" ? "" : `\`${row.fallback}\``;
    return `| \`${name}\` | ${fallback} | ${row.programs.join(", ")} | ${
      row.about.replaceAll("|", "\\|")
    } |`;
  });
  return ["| setting | default | read by | what it does |", "| --- | --- | --- | --- |", ...lines]
    .join("\n");
}

/** The part of the README between its marks. */
export const README_PART = /(?<=<!-- settings -->\n)[^]*?(?=\n?<!-- \/settings -->)/;

if (import.meta.main) {
  const root = new URL("../../", import.meta.url);
  const readme = await Deno.readTextFile(new URL("README.md", root));
  const table = `\n${settingsTable()}\n`;
  await Deno.writeTextFile(new URL("README.md", root), readme.replace(README_PART, () => table));
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  for (const [set, allow] of Object.entries(variablesBySet())) {
    config.permissions[set].env = { allow, ignore: true };
  }
  await Deno.writeTextFile(new URL("deno.json", root), JSON.stringify(config, null, 2));
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "-q", "README.md", "deno.json"],
    cwd: root,
  }).output();
}
