import { until } from "../support/until.ts";
import type { Rig } from "../flow/rig.ts";

/** The time from the first byte in a tick file to the sealing of the last one, and the rows. */
export async function capturedSince(rig: Rig): Promise<{ seconds: number; count: number }> {
  const root = `${rig.dataDir}/ticks`;
  await until(() => filesIn(root).length > 0);
  const began = performance.now();
  let files = filesIn(root);
  await until(() => {
    files = filesIn(root);
    return files.length >= 41 && files.every((file) => file.endsWith(".csv"));
  }, { timeoutMs: 300_000 });
  const seconds = (performance.now() - began) / 1000;
  const count = files.reduce((sum, file) => sum + countLines(file) - 1, 0);
  return { seconds, count };
}

function filesIn(root: string): string[] {
  try {
    return [...Deno.readDirSync(root)].flatMap((market) =>
      [...Deno.readDirSync(`${root}/${market.name}`)].flatMap((symbol) =>
        [...Deno.readDirSync(`${root}/${market.name}/${symbol.name}`)]
          .filter(({ name }) => /\.csv(\.open)?$/.test(name))
          .map(({ name }) => `${root}/${market.name}/${symbol.name}/${name}`)
      )
    );
  } catch {
    return [];
  }
}

function countLines(path: string): number {
  let lines = 0;
  for (const byte of Deno.readFileSync(path)) if (byte === 10) lines++;
  return lines;
}

/** Resident memory of a process, in MB (10^6 bytes); Linux only. */
export function memoryMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  return Number(kb) * 1024 / 1e6;
}
