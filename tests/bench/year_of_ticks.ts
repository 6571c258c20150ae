import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { chainManifest } from "../../lib/capture/chain.ts";
import { type Day, DAY_MS, dayOf, sealedName, ticksFolder } from "../../lib/capture/day_path.ts";
import { type Manifest, manifestOf } from "../../lib/capture/manifest.ts";
import { TICK_HEADER_BYTES } from "../../lib/capture/tick_row.ts";
import { TickRowEncoder } from "../../lib/capture/tick_row_encoder.ts";
import { nextId, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { marketOf } from "../../lib/market/universe.ts";
import { FX } from "../../lib/time/calendar/calendars.ts";
import { parseServerZone } from "../../lib/time/server_zone.ts";
import { statedClock } from "../../lib/time/server_clock.ts";

/**
 * A data folder as a year of capture leaves it: sealed day files of the FX week with their manifests,
 * prices at random, the same for the same options. `deno run -A tests/bench/year_of_ticks.ts --dir
 * /tmp/year [--days 365] [--symbols EURUSD,USDJPY,XAUUSD] [--rows 50000000]`; 50M rows are 3.6 GB.
 */
export interface YearOptions {
  readonly dataDir: string;
  /** The first day, UTC. */
  readonly fromMs: number;
  readonly days: number;
  readonly symbols: readonly string[];
  /** In all, about. */
  readonly rows: number;
}

export interface YearReport {
  readonly rows: number;
  readonly bytes: number;
  readonly files: number;
}

export const YEAR_FROM_MS = Date.UTC(2024, 0, 1);
const BLOCK_TICKS = 10_000;
const FEED = "bench:year:";
const clock = statedClock(parseServerZone("America/New_York+7h"));

export async function writeYear(options: YearOptions): Promise<YearReport> {
  const { dataDir, symbols, fromMs, days, rows } = options;
  const openMs = FX.sessions(fromMs, fromMs + days * DAY_MS)
    .reduce((sum, session) => sum + session.closeMs - session.openMs, 0);
  const stepMs = openMs * symbols.length / rows;
  const report = { rows: 0, bytes: 0, files: 0 };
  for (const [index, symbol] of symbols.entries()) {
    await Deno.mkdir(`${dataDir}/${ticksFolder(symbol, marketOf(symbol))}`, { recursive: true });
    const market = new RandomMarket(index + 1);
    for (let day = dayOf(fromMs); day < dayOf(fromMs) + days; day++) {
      const written = await writeDay(dataDir, { symbol, day }, { market, stepMs });
      if (written.rows === 0) continue;
      report.rows += written.rows;
      report.bytes += written.bytes;
      report.files++;
    }
  }
  return report;
}

async function writeDay(
  dataDir: string,
  { symbol, day }: { symbol: string; day: Day },
  { market, stepMs }: { market: RandomMarket; stepMs: number },
): Promise<{ rows: number; bytes: number }> {
  const sessions = FX.sessions(day * DAY_MS, (day + 1) * DAY_MS);
  if (sessions.length === 0) return { rows: 0, bytes: 0 };
  const place = { symbol, market: marketOf(symbol), day, part: 0 };
  const path = `${dataDir}/${ticksFolder(symbol, place.market)}/${sealedName(day, 0)}`;
  const hash = createHash("sha256").update(TICK_HEADER_BYTES), encoder = new TickRowEncoder();
  let rows = 0, bytes = TICK_HEADER_BYTES.length, firstId = NO_TICK, lastId: TickId = NO_TICK;
  let offsetMs = 0;
  {
    using file = await Deno.create(path);
    await file.write(TICK_HEADER_BYTES);
    for (const { openMs, closeMs } of sessions) {
      offsetMs = clock.offsetMsAt(openMs);
      for (const ticks of market.session({ openMs, closeMs, stepMs, offsetMs })) {
        const first = nextId(lastId, ticks.utcMs(0));
        if (rows === 0) firstId = first;
        encoder.clear();
        encoder.encode(ticks, { from: 0, firstId: first, endMs: Infinity });
        lastId = encoder.lastId;
        for (let at = 0; at < encoder.bytes.length;) {
          at += await file.write(encoder.bytes.subarray(at));
        }
        hash.update(encoder.bytes);
        rows += ticks.count;
        bytes += encoder.bytes.length;
      }
    }
  }
  await chainManifest<Manifest>(dataDir, { symbol, timeframe: "TICK" }, (previous) => {
    const scan = {
      goodBytes: bytes,
      fileBytes: bytes,
      rows,
      firstId,
      lastId,
      lateRows: 0,
      offsetsMs: [offsetMs],
      rowsIn: [],
      sha256: hash.copy().digest("hex"),
    };
    const facts = { feed: FEED + symbol, watermarkMs: (day + 1) * DAY_MS, gaps: [], previous };
    return manifestOf(place, scan, facts);
  });
  return { rows, bytes };
}

/** Prices and pauses at random, in blocks. */
class RandomMarket {
  #seed: number;
  #points = 108_000;

  constructor(seed: number) {
    this.#seed = seed * 2_654_435_761 >>> 0;
  }

  *session({ openMs, closeMs, stepMs, offsetMs }: {
    openMs: number;
    closeMs: number;
    stepMs: number;
    offsetMs: number;
  }): Generator<Ticks> {
    const ticks = Ticks.ofLength(BLOCK_TICKS);
    let count = 0;
    for (let utcMs = openMs;;) {
      utcMs += Math.floor(this.#random() * 2 * stepMs);
      if (utcMs >= closeMs) break;
      this.#points += Math.floor(this.#random() * 7) - 3;
      const bid = this.#points / 100_000, ask = (this.#points + 8) / 100_000;
      ticks.set(count, { serverMs: utcMs + offsetMs, bid, ask, last: NaN, volume: 0, flags: 6 });
      ticks.setUtcMs(count++, utcMs);
      if (count < BLOCK_TICKS) continue;
      yield ticks;
      count = 0;
    }
    if (count > 0) yield ticks.slice(0, count);
  }

  /** Marsaglia's xorshift: quick, and the same each time. */
  #random(): number {
    let seed = this.#seed;
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    this.#seed = seed >>> 0;
    return this.#seed / 4_294_967_296;
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      dir: { type: "string" },
      days: { type: "string", default: "365" },
      symbols: { type: "string", default: "EURUSD,USDJPY,XAUUSD" },
      rows: { type: "string", default: "50000000" },
    },
  });
  if (values.dir === undefined) throw new RangeError("Cannot write a year without --dir <folder>");
  const report = await writeYear({
    dataDir: values.dir,
    fromMs: YEAR_FROM_MS,
    days: Number(values.days),
    symbols: values.symbols.split(","),
    rows: Number(values.rows),
  });
  console.log(`${report.rows} rows in ${report.files} files, ${report.bytes} bytes`);
}
