import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { UNIVERSE } from "../../lib/market/universe.ts";
import { startBridgeProgram } from "../support/bridge_program.ts";
import { runIngest } from "../support/ingest_program.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { machineLine, median, printTable, type Row } from "./table.ts";

const HOURS = join(
  import.meta.dirname ?? "",
  "../../../shared/data/bars/lean_oanda/hour/eurusd.zip",
);
const TIMEFRAMES = "1H,4H,1D,1M";
/** A present that stands still, so that a second run has nothing new to find. */
const UNTIL = "2025-12-29T09:30:00Z";

const summarySchema = z.object({
  event: z.literal("summary"),
  bars_received: z.number(),
  failed: z.number(),
});

interface Figures {
  readonly seconds: number;
  readonly bars: number;
}

/**
 * `deno task ingest` of the 41 symbols' hours, four hours, days and months by their default ranges,
 * twice into one folder: bridge and command as processes of their own, their start included. The
 * second run must change no data file.
 */
export async function measureIngest(runs: number): Promise<Row[]> {
  await using recorded = await tempFolder();
  const rows: Row[] = [];
  for (
    const [source, env] of [
      ["the invented market", { SOURCE: "simulated", SIMULATED_UNTIL: UNTIL }],
      ["recorded bars", await recordedBars(recorded.path)],
    ] as const
  ) {
    const bridge = startBridgeProgram(env, { flags: ["-A"] });
    try {
      rows.push(...await measureSource(source, { port: await bridge.port, runs }));
    } finally {
      bridge.child.kill("SIGKILL");
      await bridge.ended();
    }
  }
  return rows;
}

async function measureSource(
  source: string,
  { port, runs }: { port: number; runs: number },
): Promise<Row[]> {
  const first: Figures[] = [], second: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    await using folder = await tempFolder();
    first.push(await ingest(port, folder.path));
    const before = await dataFiles(folder.path);
    second.push(await ingest(port, folder.path));
    const after = await dataFiles(folder.path);
    const changed = [...after].filter(([path, content]) => before.get(path) !== content);
    if (before.size === 0 || changed.length > 0 || after.size !== before.size) {
      const names = changed.map(([path]) => path).slice(0, 5).join(", ");
      throw new Error(`The second run changed ${changed.length} of ${before.size} files: ${names}`);
    }
  }
  const measure = `41 symbols × 1H, 4H, 1D, 1M of ${source} into files`;
  return [
    {
      measure,
      alternative: "50-100 symbols a minute",
      target: "100 symbols a minute",
      here: inWords(first),
    },
    {
      measure: "the same again: no file changes",
      alternative: "",
      target: "",
      here: inWords(second),
    },
  ];
}

/** One run of the command, from its start to its end. */
async function ingest(port: number, dir: string): Promise<Figures> {
  const began = performance.now();
  const { code, out, err } = await runIngest(
    ["--timeframes", TIMEFRAMES, "--output-dir", dir, "--json"],
    { port, dir, env: { SYMBOLS: "*" } },
  );
  const seconds = (performance.now() - began) / 1000;
  const last = out.trimEnd().split("\n").at(-1) ?? "";
  if (code === 2 || last === "") throw new Error(`The run ended with ${code}: ${err}`);
  const { bars_received: bars, failed } = summarySchema.parse(JSON.parse(last));
  if (failed > 0) throw new Error(`${failed} reads failed: ${out.slice(-2000)}`);
  return { seconds, bars };
}

function inWords(figures: readonly Figures[]): string {
  const seconds = median(figures.map((figure) => figure.seconds));
  const bars = median(figures.map((figure) => figure.bars));
  const perMinute = Math.round(UNIVERSE.length / seconds * 60);
  return `${seconds.toFixed(1)} s: ${Math.round(bars / seconds).toLocaleString("en")} bars/s of ${
    bars.toLocaleString("en")
  }, ${perMinute} symbols a minute`;
}

/** The hours of one symbol under the names of all, as a recording of a whole universe. */
async function recordedBars(folder: string): Promise<Record<string, string>> {
  const hours = join(folder, "lean_oanda", "hour");
  await Deno.mkdir(hours, { recursive: true });
  const files = UNIVERSE.map(({ symbol }) => join(hours, `${symbol}.zip`));
  for (const path of files) await Deno.copyFile(HOURS, path);
  return { SOURCE: "replay", REPLAY_FILES: JSON.stringify(files) };
}

/** Content and time of each data file by its path. */
async function dataFiles(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) {
      for (const [inner, content] of await dataFiles(path)) files.set(inner, content);
    }
    if (!/\.csv(\.open)?$/.test(name)) continue;
    const { mtime } = await Deno.stat(path);
    const hash = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
    files.set(path, `${hash} ${mtime?.getTime()}`);
  }
  return files;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { runs: { type: "string", default: "3" } } });
  const runs = Number(values.runs);
  const rows = await measureIngest(runs);
  console.log(`${machineLine()}, median of ${runs}\n`);
  printTable(rows);
}
