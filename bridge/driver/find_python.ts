import { DriverError } from "./driver_error.ts";
import { probePython, type PythonFacts } from "./python_probe.ts";

/** What a vendor's package asks of its Python. */
export interface WantedPython {
  /** What the messages call it: `mt5`. */
  readonly vendor: string;
  /** The oldest and the newest version that the package can use, such as `3.8`; both inclusive. */
  readonly min: string;
  readonly max?: string | undefined;
  /** The package has builds for 64 bits only. */
  readonly bits?: 64 | undefined;
  /** Modules that must be importable, the vendor's own first: `["MetaTrader5", "numpy"]`. */
  readonly modules: readonly string[];
  /** What `pip install` is given: `["MetaTrader5", "numpy"]`. */
  readonly packages: readonly string[];
}

export interface FindPythonOptions {
  /** From the settings: a path of an interpreter or of a venv's folder, or a command. Nothing else is tried. */
  readonly named?: string | undefined;
  /** What the messages call that setting. */
  readonly setting: string;
  /** How long one interpreter may take to start and import; 20,000 by default. */
  readonly probeLimitMs?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FoundPython {
  /** To be started as it was tried, so that a permission to run it covers it. */
  readonly command: string;
  readonly args: readonly string[];
  /** Such as `3.11.7`. */
  readonly version: string;
  /** Where it is, by its own account. */
  readonly executable: string;
}

interface Candidate {
  readonly command: string;
  readonly args: readonly string[];
}

/** Why a Python cannot be used. */
interface Unfit {
  readonly message: string;
  /** The greater, the less is wrong with it: its message helps most. */
  readonly nearness: number;
}

const PROBE_LIMIT_MS = 20_000;
const DOWNLOADS = "https://www.python.org/downloads/";
const COMMANDS: readonly Candidate[] = [
  { command: "py", args: ["-3"] },
  { command: "python", args: [] },
  { command: "python3", args: [] },
];

/**
 * The first Python that can run the driver: the named one, else of `py -3`, `python`, `python3`, and,
 * where a package needs an old one, that one by its number.
 * Rejects with a DriverError that says what to do: `missing` when there is no Python at all,
 * `unusable` when one is there and cannot be used.
 */
export async function findPython(
  wanted: WantedPython,
  options: FindPythonOptions,
): Promise<FoundPython> {
  const { named, setting, probeLimitMs: limitMs = PROBE_LIMIT_MS, env, signal } = options;
  const candidates = named === undefined
    ? commandsFor(wanted)
    : [{ command: await interpreterAt(named), args: [] }];
  const { modules } = wanted;
  const tried: string[] = [], unfit: Unfit[] = [];
  for (const candidate of candidates) {
    const probe = await probePython({ ...candidate, modules, limitMs, env, signal });
    if (signal?.aborted) throw new DriverError("disposed", "It is not wanted any more");
    if ("problem" in probe) tried.push(`${textOf(candidate)}: ${probe.problem}`);
    else {
      const reason = unfitness(probe, { wanted, candidate, setting });
      const { version, executable } = probe;
      if (reason === undefined) return { ...candidate, version, executable };
      unfit.push(reason);
    }
  }
  const [nearest] = unfit.sort((a, b) => b.nearness - a.nearness);
  if (nearest !== undefined) throw new DriverError("unusable", nearest.message);
  throw new DriverError("missing", noneFound(wanted, { setting, tried: tried.join("; ") }));
}

/** Beside a newer Python, an old one answers only to its number. */
function commandsFor({ max }: WantedPython): readonly Candidate[] {
  if (max === undefined) return COMMANDS;
  const numbered = [{ command: "py", args: [`-${max}`] }, { command: `python${max}`, args: [] }];
  return [...COMMANDS, ...numbered];
}

/** A venv is named by its folder. */
async function interpreterAt(named: string): Promise<string> {
  const isFolder = await Deno.stat(named).then((info) => info.isDirectory, () => false);
  if (!isFolder) return named;
  const folder = named.replace(/[\\/]+$/, "");
  return Deno.build.os === "windows" ? `${folder}\\Scripts\\python.exe` : `${folder}/bin/python`;
}

function unfitness(
  python: PythonFacts,
  { wanted, candidate, setting }: {
    wanted: WantedPython;
    candidate: Candidate;
    setting: string;
  },
): Unfit | undefined {
  const { vendor, min, max, bits, packages } = wanted;
  const { version, missing } = python;
  const found = `${textOf(candidate)} is Python ${version} (${python.executable})`;
  const range = rangeOf(wanted);
  const advice =
    `${vendor} needs ${range}. Install Python ${range} from ${DOWNLOADS} and name its ` +
    `path in ${setting}.`;
  if (compare(version, min) < 0) {
    return { message: `${found}, which is too old: ${advice}`, nearness: 1 };
  }
  if (max !== undefined && compare(version, max) > 0) {
    return { message: `${found}, which is too new: ${advice}`, nearness: 1 };
  }
  if (bits !== undefined && python.bits !== bits) {
    const message = `${found} for ${python.bits} bits, and there is no package for it: ${advice}`;
    return { message, nearness: 2 };
  }
  if (missing === undefined) return undefined;
  const install = `${quoted(candidate)} -m pip install ${packages.join(" ")}`;
  const message =
    `${found}, which cannot import ${missing.module}: ${missing.reason}. Run: ${install}`;
  return { message, nearness: 3 };
}

function noneFound(
  wanted: WantedPython,
  { setting, tried }: { setting: string; tried: string },
): string {
  return `No Python was found for ${wanted.vendor}. Tried ${tried}. Install Python ` +
    `${rangeOf(wanted)} from ${DOWNLOADS}, or name its path in ${setting}.`;
}

function rangeOf({ min, max, bits }: WantedPython): string {
  const range = max === undefined ? `${min} or newer` : min === max ? min : `${min} to ${max}`;
  return bits === undefined ? range : `${range} for ${bits} bits`;
}

/** By the parts that the wanted version has: `3.7.9` is `3.7`. */
function compare(version: string, wanted: string): number {
  const have = version.split("."), want = wanted.split(".");
  for (const [index, part] of want.entries()) {
    const difference = Number(have[index] ?? 0) - Number(part);
    if (difference !== 0) return difference;
  }
  return 0;
}

function textOf({ command, args }: Candidate): string {
  return [command, ...args].join(" ");
}

/** As it can be typed. */
function quoted({ command, args }: Candidate): string {
  return [/\s/.test(command) ? `"${command}"` : command, ...args].join(" ");
}
