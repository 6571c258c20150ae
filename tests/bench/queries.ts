import { parseArgs } from "node:util";
import { DAY_MS } from "../../lib/capture/day_path.ts";
import { openLog } from "../../lib/log/open_log.ts";
import { NO_TICK } from "../../lib/market/tick_id.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { FX } from "../../lib/time/calendar/calendars.ts";
import { GatewayProcess } from "./gateway_process.ts";
import { machineLine, printTable, quantile, type Row } from "./table.ts";
import { writeYear, YEAR_FROM_MS, type YearReport } from "./year_of_ticks.ts";

/**
 * What queries cost on a data folder of a year, through a gateway that is a process of its own:
 * `deno run -A tests/bench/queries.ts [--days 365] [--rows 50000000] [--symbols EURUSD,USDJPY,XAUUSD]
 * [--dir /somewhere]`. The default writes 3.6 GB into a temporary folder and removes it again;
 * `--days 5 --rows 700000` is a quick run of days of the same size. The newest hour is in the log.
 */
const HOUR_MS = 3_600_000, HOURS = 50, DAYS = 5, STALLED = 60;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    days: { type: "string", default: "365" },
    rows: { type: "string", default: "50000000" },
    symbols: { type: "string", default: "EURUSD,USDJPY,XAUUSD" },
    dir: { type: "string" },
  },
});
const days = Number(values.days), symbols = values.symbols.split(",");
const symbol = symbols[0] ?? "EURUSD";
const dataDir = await Deno.makeTempDir({
  prefix: "arbitrex_year_",
  ...(values.dir === undefined ? {} : { dir: values.dir }),
});
try {
  console.log(machineLine());
  const beganMs = performance.now();
  const options = { dataDir, fromMs: YEAR_FROM_MS, days, symbols, rows: Number(values.rows) };
  const report = await writeYear(options);
  console.log(
    `${report.rows} rows in ${report.files} files, ${megabytes(report.bytes)}, written in ${
      seconds(performance.now() - beganMs)
    }`,
  );
  await fillLog();
  printTable(await measure(report));
} finally {
  await Deno.remove(dataDir, { recursive: true });
}

/** An hour after the files' end that only the log has. */
async function fillLog(): Promise<void> {
  await using log = await openLog({ backend: "sqlite", dataDir, kind: "raw" });
  const ticks = Ticks.ofLength(10_000);
  for (let index = 0; index < ticks.count; index++) {
    const utcMs = FX.nextOpen(YEAR_FROM_MS + days * DAY_MS) + index * 360;
    ticks.set(index, { serverMs: utcMs, bid: 1, ask: 2, last: NaN, volume: 0, flags: 6 });
    ticks.setUtcMs(index, utcMs);
  }
  await log.append([{ symbol, feed: "bench:year:any", expectedTail: NO_TICK, ticks }]);
}

async function measure(report: YearReport): Promise<Row[]> {
  await using gateway = await GatewayProcess.start(dataDir);
  const hours = randomHours(HOURS);
  const rows: Row[] = [];
  const add = (measure: string, target: string, here: string) => {
    console.log(`${measure}: ${here}`);
    rows.push({ measure, alternative: "", target, here });
  };
  // The first queries compile the code; what a gateway that has run for a minute does is measured.
  for (const format of ["json", "csv"]) {
    for (const fromMs of hours.slice(0, 10)) await oneHour(gateway, { fromMs, format });
  }
  for (const format of ["json", "csv"]) {
    const times: number[] = [];
    for (const fromMs of hours) times.push((await oneHour(gateway, { fromMs, format })).ms);
    const shown = `p50 ${quantile(times, 0.5).toFixed(1)} ms, p99 ${
      quantile(times, 0.99).toFixed(1)
    } ms`;
    add(`GET /ticks, one hour, ${format}, ${HOURS} at random`, "100 ms", shown);
  }
  add("whole days, csv", "300,000 rows/s", await wholeDays(gateway, "csv"));
  for (const format of ["csv", "json"]) {
    const before = gateway.rssMb();
    gateway.forgetMost();
    const path = `ticks/${symbol}?format=${format}${format === "json" ? "&limit=100000000" : ""}`;
    const { ms, bytes } = await gateway.take(path);
    const shown = `${rate(report.rows / symbols.length, ms)} rows/s, ${
      megabytes(bytes / (ms / 1000))
    }/s; memory ${before} → ${gateway.rssMb()} MB, most ${gateway.mostMb} MB`;
    add(`all of ${symbol}, ${format}, streamed`, "memory flat", shown);
  }
  add(`${STALLED} clients that stop reading all of ${symbol}`, "", await stalled(gateway));
  // Last, because its WebAssembly stays in memory.
  add("whole days, parquet", "", await wholeDays(gateway, "parquet"));
  return rows;
}

async function wholeDays(gateway: GatewayProcess, format: string): Promise<string> {
  const rates: number[] = [];
  for (let day = 0; day < Math.min(days, DAYS * 7) && rates.length < DAYS; day++) {
    const fromMs = YEAR_FROM_MS + day * DAY_MS;
    const range = `from=${fromMs}&to=${fromMs + DAY_MS}`;
    const text = await (await fetch(`${gateway.url}ticks/${symbol}?${range}&format=csv`)).text();
    const rows = text.split("\n").length - 2;
    // A Sunday is two hours.
    if (rows < 10_000) continue;
    const { ms } = await gateway.take(`ticks/${symbol}?${range}&format=${format}`);
    rates.push(rows / (ms / 1000));
  }
  return `${rate(quantile(rates, 0.5), 1000)} rows/s`;
}

/** What clients cost that ask for everything and then take nothing. */
async function stalled(gateway: GatewayProcess): Promise<string> {
  const before = gateway.rssMb();
  gateway.forgetMost();
  const { hostname, port } = new URL(gateway.url);
  const ask = `GET /ticks/${symbol}?format=csv HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`;
  const sockets = await Promise.all(Array.from({ length: STALLED }, async () => {
    const socket = await Deno.connect({ hostname, port: Number(port) });
    await socket.write(new TextEncoder().encode(ask));
    await socket.read(new Uint8Array(1));
    return socket;
  }));
  // Long enough that every buffer between the two has filled up.
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const held = gateway.rssMb();
  for (const socket of sockets) socket.close();
  return `memory ${before} → ${held} MB, most ${gateway.mostMb} MB`;
}

function oneHour(
  gateway: GatewayProcess,
  { fromMs, format }: { fromMs: number; format: string },
): Promise<{ ms: number; bytes: number }> {
  const range = `from=${fromMs}&to=${fromMs + HOUR_MS}`;
  return gateway.take(`ticks/${symbol}?${range}&format=${format}&limit=1000000`);
}

function randomHours(count: number): number[] {
  const open: number[] = [];
  for (let hour = 0; hour < days * 24; hour++) {
    const fromMs = YEAR_FROM_MS + hour * HOUR_MS;
    if (FX.isOpen(fromMs)) open.push(fromMs);
  }
  return Array.from({ length: count }, () => {
    return open[Math.floor(Math.random() * open.length)] ?? YEAR_FROM_MS;
  });
}

function rate(count: number, ms: number): string {
  return Math.round(count / (ms / 1000)).toLocaleString("en-US");
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
