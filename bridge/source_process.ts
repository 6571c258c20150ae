import { BridgeError } from "../lib/bridge/bridge_error.ts";
import type {
  BarRequest,
  ServerZone,
  SourceAccount,
  SourceBar,
  SourceEvent,
  SourceSymbol,
  SymbolSpec,
  TickRequest,
} from "../lib/bridge/feed.ts";
import {
  type StreamName,
  type StreamNameOptions,
  streamNames,
} from "../lib/market/broker_symbol.ts";
import type { DriverProcess } from "./driver/driver_process.ts";
import { ProcessStream } from "./driver/process_stream.ts";
import type { Source } from "./source.ts";

export interface ProcessSourceOptions {
  /** `vendor:server`; constant for all drivers that the session has one after another. */
  readonly name: string;
  /** As the driver's `opened` says it, and as constant. */
  readonly clock: "learned" | "utc";
  /** The driver of the moment. @throws with the session's reason while there is none. */
  driver(): DriverProcess;
  /** How the broker's names become those on the stream. */
  readonly names?: StreamNameOptions | undefined;
  /** Live ticks that a stream may hold for a collector that does not pull; 500,000 by default. */
  readonly maxQueuedTicks?: number | undefined;
  /** Raw names that did not get the name they would have had; once a driver. */
  readonly onContested?: ((names: readonly StreamName[]) => void) | undefined;
}

const MAX_QUEUED_TICKS = 500_000;
const UTC: ServerZone = { zone: "UTC", shiftMs: 0 };
/** Each stream and each read of bars asks for the symbols, and a terminal has thousands. */
const SPECS_KEPT_MS = 600_000;

interface KeptSpecs {
  readonly specs: Promise<SymbolSpec[]>;
  readonly askedMs: number;
}

/** A vendor behind a driver process. It outlives drivers: what one had begun, its end fails. */
export class ProcessSource implements Source {
  readonly name: string;
  readonly kind = "raw";
  readonly clock: ServerZone | "learned";
  readonly #options: ProcessSourceOptions;
  readonly #kept = new WeakMap<DriverProcess, KeptSpecs>();
  readonly #disposed = new AbortController();

  constructor(options: ProcessSourceOptions) {
    this.#options = options;
    this.name = options.name;
    this.clock = options.clock === "utc" ? UTC : "learned";
  }

  async symbols(): Promise<SourceSymbol[]> {
    const specs = await this.#specsOf(this.#options.driver());
    return specs.map(({ symbol, rawName, digits }) => ({ symbol, rawName, digits }));
  }

  async specs(): Promise<SymbolSpec[]> {
    return await this.#readSpecs(this.#options.driver());
  }

  async account(): Promise<SourceAccount> {
    const driver = this.#options.driver();
    const { account, server } = driver.opened;
    const { account: fields, terminal } = await driver.check();
    return { ...account, server, fields, terminal };
  }

  async bars({ symbol, ...range }: BarRequest): Promise<SourceBar[]> {
    const driver = this.#options.driver();
    const [rawName] = (await this.#rawNames(driver, [symbol])).keys();
    if (rawName === undefined) throw unknown([symbol]);
    const { timeframe, fromServerMs, toServerMs } = range;
    return await driver.bars({ rawName, timeframe, fromServerMs, toServerMs });
  }

  async *stream(
    requests: readonly TickRequest[],
    signal: AbortSignal,
  ): AsyncGenerator<SourceEvent> {
    const { driver: driverOf, maxQueuedTicks = MAX_QUEUED_TICKS } = this.#options;
    const driver = driverOf();
    const symbols = await this.#rawNames(driver, requests.map(({ symbol }) => symbol));
    const bySymbol = new Map(requests.map(({ symbol, fromServerMs }) => [symbol, fromServerMs]));
    const starts = new Map<string, number | "now">();
    for (const [rawName, symbol] of symbols) starts.set(rawName, bySymbol.get(symbol) ?? "now");
    const { clock } = this;
    const stream = new ProcessStream({ driver, starts, symbols, clock, maxQueuedTicks });
    yield* stream.events(AbortSignal.any([signal, this.#disposed.signal]));
  }

  /** Ends the streams; the driver is the session's to end. */
  // deno-lint-ignore require-await -- the interface's dispose is asynchronous
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
  }

  /** Stream names by raw names. @throws BridgeError `unknown_symbol`. */
  async #rawNames(
    driver: DriverProcess,
    wanted: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    const missing = new Set(wanted);
    const names = new Map<string, string>();
    for (const { symbol, rawName } of await this.#specsOf(driver)) {
      if (missing.delete(symbol)) names.set(rawName, symbol);
    }
    if (missing.size > 0) throw unknown([...missing]);
    return names;
  }

  #specsOf(driver: DriverProcess): Promise<SymbolSpec[]> {
    const kept = this.#kept.get(driver);
    const isFresh = kept !== undefined && performance.now() - kept.askedMs < SPECS_KEPT_MS;
    return isFresh ? kept.specs : this.#readSpecs(driver);
  }

  #readSpecs(driver: DriverProcess): Promise<SymbolSpec[]> {
    const isFirst = !this.#kept.has(driver);
    const specs = driver.symbols().then((symbols) => {
      const named = streamNames(symbols, this.#options.names);
      const contested = named.filter((name) => name.contested !== undefined);
      if (isFirst && contested.length > 0) this.#options.onContested?.(contested);
      return named.map(({ symbol, rawName, digits, fields }) => ({
        symbol,
        rawName,
        digits,
        fields,
      }));
    });
    this.#kept.set(driver, { specs, askedMs: performance.now() });
    specs.catch(() => {
      if (this.#kept.get(driver)?.specs === specs) this.#kept.delete(driver);
    });
    return specs;
  }
}

function unknown(symbols: readonly string[]): BridgeError {
  return new BridgeError("unknown_symbol", `The source has no symbol ${symbols.join(", ")}`);
}
