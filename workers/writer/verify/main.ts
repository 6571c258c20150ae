import { parseArgs } from "node:util";
import { isSymbol, symbolFolder } from "../../../lib/market/symbol.ts";
import { Calendars } from "../../../lib/time/calendar/calendars.ts";
import { environment, readSettings, settingNames } from "../../../lib/program/settings.ts";
import { dataDirOf } from "../../../lib/program/shared_settings.ts";
import { ProgressLine, runCommand, UnusableArguments } from "../command.ts";
import { verifySettings } from "./config.ts";
import { indexFolder } from "./folder_index.ts";
import { isDifference, progressText, reportJson, reportText } from "./report.ts";
import { verify } from "./verifying.ts";

/** `deno task verify`: reads a data folder again and names every difference. */

const HELP = `deno task verify [DATA_DIR] [--symbols EURUSD,GBPUSD] [--quick] [--json] [--workers 4]
  DATA_DIR   the data folder (default: DATA_DIR, or the folder of DATA_KIND)
  --symbols  only these
  --quick    names, sizes and chains alone; no file of ticks or bars is read
  --json     for machines
  --workers  how many series are read at the same time
Exit codes: 0 no difference, 1 differences, 2 unusable arguments.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      symbols: { type: "string", default: "" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      workers: { type: "string", default: "4" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const settings = readSettings(verifySettings, environment(settingNames(verifySettings)));
  const dataDir = positionals[0] ?? dataDirOf(settings), workers = Number(values.workers);
  const symbols = values.symbols.split(/[\s,]+/).filter((symbol) => symbol !== "");
  if (positionals.length > 1 || !symbols.every(isSymbol) || !(workers >= 1 && workers <= 64)) {
    throw new UnusableArguments(`Cannot verify with ${Deno.args.join(" ")}\n${HELP}`);
  }
  if (!(await Deno.stat(dataDir).catch(() => undefined))?.isDirectory) {
    throw new UnusableArguments(`Cannot verify ${dataDir}: it is no folder`);
  }
  await refuseNothing(dataDir, symbols);
  using calendars = await Calendars.open({
    dataDir,
    mapFile: settings.symbolCalendarMap,
    use: settings.marketCalendar,
    onProblem: (message) => console.error(message),
  });
  using line = new ProgressLine();
  const { quick } = values, { recheckMs, silenceMinutes } = settings;
  const verification = await verify({
    ...{ dataDir, symbols, quick, workers: Math.floor(workers), recheckMs, calendars },
    silenceMs: silenceMinutes * 60_000,
    onProgress: (progress) => line.show(() => progressText(progress)),
  });
  line[Symbol.dispose]();
  console.log((values.json ? reportJson : reportText)(verification, dataDir));
  return verification.differences.some(isDifference) ? 1 : 0;
}

/** Where there is nothing to look at, no difference would be no comfort. */
async function refuseNothing(dataDir: string, symbols: readonly string[]): Promise<void> {
  const { chains, metadata } = await indexFolder(dataDir);
  if (chains.size === 0 && metadata.length === 0) {
    throw new UnusableArguments(
      `Cannot verify ${dataDir} as a data folder: current content has neither data nor metadata`,
    );
  }
  const known = new Set([...chains.keys()].map((chain) => chain.slice(0, chain.lastIndexOf("_"))));
  const unknown = symbols.filter((symbol) => !known.has(symbolFolder(symbol)));
  if (unknown.length > 0) {
    throw new UnusableArguments(
      `Cannot verify ${unknown.join(", ")}: current folder ${dataDir} has nothing of it`,
    );
  }
}

if (import.meta.main) await runCommand(main);
