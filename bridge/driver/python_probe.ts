import { z } from "zod";
import { endProcess } from "./end_process.ts";

export interface PythonProbe {
  readonly command: string;
  readonly args: readonly string[];
  readonly modules: readonly string[];
  readonly limitMs: number;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PythonFacts {
  readonly version: string;
  readonly bits: number;
  readonly executable: string;
  /** The first module that cannot be imported, and Python's reason. */
  readonly missing: { readonly module: string; readonly reason: string } | undefined;
}

/** What an interpreter says: printed among what a package prints when it is imported. */
const MARK = "arbitrex-python:";
/** Runs on every Python from 2.7 on, so that an old one can say how old it is. */
const CODE = `
import json, struct, sys
def tell(facts):
    sys.stdout.write("\\n${MARK}" + json.dumps(facts) + "\\n")
    sys.stdout.flush()
tell({"version": "%d.%d.%d" % sys.version_info[:3], "bits": struct.calcsize("P") * 8, "executable": sys.executable or ""})
for module in sys.argv[1:]:
    try:
        __import__(module)
    except BaseException as error:
        tell({"module": module, "reason": "%s: %s" % (type(error).__name__, error)})
        break
else:
    tell({})
`;
/** Of what it prints; a Python says little. */
const MAX_CHARACTERS = 1 << 20;
const identity = z.object({ version: z.string(), bits: z.number(), executable: z.string() });
const imports = z.object({ module: z.string(), reason: z.string() }).partial();

/** Starts an interpreter once and asks it what it is; `problem`: in words why that told nothing. */
export async function probePython(probe: PythonProbe): Promise<PythonFacts | { problem: string }> {
  const { command, args, modules, limitMs, env, signal } = probe;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command, {
      args: [...args, "-c", CODE, ...modules],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      env: { PYTHONUTF8: "1", PYTHONIOENCODING: "utf-8", ...env },
    }).spawn();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return { problem: "not found" };
    return { problem: cause instanceof Error ? cause.message : String(cause) };
  }
  const stdout = child.stdout.getReader();
  let isLate = false;
  const end = () => {
    endProcess(child);
    // What the interpreter itself started may hold the pipe open.
    stdout.cancel().catch(() => {});
  };
  const late = setTimeout(() => {
    isLate = true;
    end();
  }, limitMs);
  signal?.addEventListener("abort", end, { once: true });
  try {
    const text = await readAll(stdout);
    const { code } = await child.status;
    return readProbe(text, { modules, code, isLate, limitMs });
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", end);
  }
}

/** What an interpreter's output and end tell of it. */
export function readProbe(
  text: string,
  { modules, code, isLate, limitMs }: {
    modules: readonly string[];
    code: number;
    isLate: boolean;
    limitMs: number;
  },
): PythonFacts | { problem: string } {
  const [first, second] = text.split(/\r?\n/).filter((line) => line.startsWith(MARK))
    .map((line) => parse(line.slice(MARK.length)));
  const facts = identity.safeParse(first);
  if (!facts.success) {
    if (isLate) return { problem: `did not answer within ${limitMs} ms` };
    // The Microsoft Store's placeholder prints nothing, and ends with 9009.
    if (code === 9009) return { problem: "is only a link to the Microsoft Store, not a Python" };
    return { problem: `is no Python (it ended with code ${code})` };
  }
  const imported = imports.safeParse(second);
  if (imported.success) {
    const { module, reason } = imported.data;
    const missing = module === undefined ? undefined : { module, reason: reason ?? "" };
    return { ...facts.data, missing };
  }
  const reason = isLate
    ? `the import did not end within ${limitMs} ms`
    : `the import ended Python with code ${code}`;
  return { ...facts.data, missing: { module: modules[0] ?? "", reason } };
}

/** Undefined where the interpreter was ended in the middle of it. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

async function readAll(stdout: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await stdout.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    // Who prints without end is no Python that can be used.
    if (text.length > MAX_CHARACTERS) text = text.slice(-MAX_CHARACTERS);
  }
}
