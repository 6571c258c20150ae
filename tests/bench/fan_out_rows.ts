import { median, type Row } from "./table.ts";

const LINE =
  /^(\w+)\s+([\d,]+) ticks\/s to \d+ clients, ([\d.]+) % delivered, p50 ([\d.]+) ms, p99 ([\d.]+) ms/;

interface Measured {
  readonly perSecond: number[];
  readonly delivered: number[];
  readonly p50: number[];
  readonly p99: number[];
}

/** Runs `fan_out.ts`, the gateway alone with 100 clients in a process of their own, so many times. */
export async function measureFanOut(runs: number): Promise<Row[]> {
  const kinds = new Map<string, Measured>();
  for (let run = 0; run < runs; run++) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", new URL("./fan_out.ts", import.meta.url).pathname],
      stderr: "inherit",
    }).output();
    for (const line of new TextDecoder().decode(stdout).split("\n")) {
      const [, kind, perSecond, delivered, p50, p99] = LINE.exec(line) ?? [];
      if (kind === undefined) continue;
      const measured = kinds.get(kind) ?? { perSecond: [], delivered: [], p50: [], p99: [] };
      kinds.set(kind, measured);
      measured.perSecond.push(Number(perSecond?.replaceAll(",", "")));
      measured.delivered.push(Number(delivered));
      measured.p50.push(Number(p50));
      measured.p99.push(Number(p99));
    }
  }
  const of = (kind: string, value: keyof Measured) => median(kinds.get(kind)?.[value] ?? []);
  const rate = (kind: string) =>
    `${Math.round(of(kind, "perSecond")).toLocaleString("en")} (${
      of(kind, "delivered")
    } % delivered)`;
  return [
    {
      measure: "gateway fan-out alone, 1,000 ticks/s × 100 clients",
      alternative: "saturated, 67 % delivered; tuned p50 1.7 ms, p99 3.2 ms",
      target: "all delivered, p50 1 ms, p99 3 ms",
      here: `${of("paced", "delivered")} % delivered, p50 ${of("paced", "p50")} ms, p99 ${
        of("paced", "p99")
      } ms`,
    },
    {
      measure: "most ticks/s to 100 clients, one a frame",
      alternative: "67,000, falling (168,000 tuned)",
      target: "170,000, not falling",
      here: rate("single"),
    },
    {
      measure: "the same, in batches",
      alternative: "168,000 tuned, falling",
      target: "500,000, not falling",
      here: rate("batch"),
    },
  ];
}
