import assert from "node:assert/strict";
import { unzipSync } from "fflate";
import { fileURLToPath } from "node:url";
import type { Tick } from "../../lib/market/tick.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { toServerMs } from "../../lib/time/server_zone.ts";
import { DriverClient, DriverFailure } from "./driver_client.ts";
import { pythonWithNumpy } from "./python.ts";
import { tempFolder } from "./temp_folder.ts";

const ROOT = new URL("../../", import.meta.url);
export const DATA = new URL("../shared/data/", ROOT);
export const ACCOUNT = { login: 5012345, password: "s3cret word", server: "Fake-Demo" };

/** The server's clock as the fake has it by default, by this project's own reckoning. */
export const SERVER_ZONE = { zone: "America/New_York", shiftMs: 7 * 3_600_000 };
export const serverMs = (utcMs: number) => toServerMs(utcMs, SERVER_ZONE);

export interface FakeSymbol {
  /** Packed ticks: slot 40 holds UTC or, with `stamps: "server"`, the server's time. */
  readonly ticks?: Ticks;
  readonly stamps?: "server";
  readonly [habit: string]: unknown;
}

export interface FakeScript {
  readonly symbols: Readonly<Record<string, FakeSymbol>>;
  readonly [habit: string]: unknown;
}

/** A folder with a scripted terminal; drivers started from it share its virtual time. */
export class FakeTerminal implements AsyncDisposable {
  readonly #folder: { path: string } & AsyncDisposable;
  readonly #drivers: DriverClient[] = [];

  private constructor(folder: { path: string } & AsyncDisposable) {
    this.#folder = folder;
  }

  static async start(script: FakeScript): Promise<FakeTerminal> {
    const terminal = new FakeTerminal(await tempFolder());
    await terminal.rewrite(script);
    return terminal;
  }

  async rewrite({ symbols, ...habits }: FakeScript): Promise<void> {
    const written: Record<string, unknown> = {};
    for (const [name, { ticks, ...symbol }] of Object.entries(symbols)) {
      written[name] = symbol;
      if (ticks === undefined) continue;
      const path = this.path(`${name}.ticks`);
      await Deno.writeFile(path, ticks.bytes);
      written[name] = { ...symbol, files: [path] };
    }
    const script = { account: ACCOUNT, ...habits, symbols: written };
    await Deno.writeTextFile(this.path("script.json"), JSON.stringify(script));
  }

  path(name: string): string {
    return `${this.#folder.path}/${name}`;
  }

  driver(env: Record<string, string> = {}): DriverClient {
    const driver = DriverClient.start({
      python: pythonWithNumpy() ?? "python3",
      script: fileURLToPath(new URL("bridge/mt5.py", ROOT)),
      env: {
        FAKE_MT5: this.path("script.json"),
        PYTHONPATH: fileURLToPath(new URL("tests/support/vendors", ROOT)),
        ...env,
      },
    });
    this.#drivers.push(driver);
    return driver;
  }

  /** A driver that is logged in. */
  async opened(settings: Record<string, unknown> = {}): Promise<DriverClient> {
    const driver = this.driver();
    await driver.open({ ...ACCOUNT, warmPauseMs: 1, ...settings });
    return driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of this.#drivers) await driver[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A quote as a terminal's history has it. */
export function quote(serverMs: number, bid: number, ask = bid + 0.0002, flags = 6): Tick {
  return { serverMs, bid, ask, last: 0, volume: 0, flags };
}

/** For `ignore`: says which recording is missing. */
export function isMissing(path: string): boolean {
  try {
    Deno.statSync(new URL(path, DATA));
    return false;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    console.warn(`A test is skipped: ${fileURLToPath(new URL(path, DATA))} is missing`);
    return true;
  }
}

/** For `assert.rejects`: how the driver refused a request; never with the password in it. */
export function failedWith(code: string, text: RegExp, vendorCode?: number) {
  return (error: unknown): true => {
    assert.ok(error instanceof DriverFailure, String(error));
    assert.equal(error.failed.code, code);
    assert.match(error.failed.message, text);
    assert.doesNotMatch(error.failed.message, new RegExp(ACCOUNT.password));
    if (vendorCode !== undefined) assert.equal(error.failed.vendorCode, vendorCode);
    return true;
  };
}

/** A recorded day: ms of the day, bid, ask. */
export async function recordedDay(path: string, midnightMs: number): Promise<Tick[]> {
  const [csv] = Object.values(unzipSync(await Deno.readFile(new URL(path, DATA))));
  const lines = new TextDecoder().decode(csv).trim().split("\n");
  return lines.map((line) => {
    const [ms = NaN, bid = NaN, ask = NaN] = line.split(",").map(Number);
    return quote(midnightMs + ms, bid, ask);
  });
}

/** The same ticks with other stamps, as the driver gives them on: a price of 0 that no trade had is none. */
export function delivered(ticks: readonly Tick[], stampOf: (ms: number) => number): Ticks {
  return Ticks.from(ticks.map((tick) => ({
    ...tick,
    serverMs: stampOf(tick.serverMs),
    last: tick.last === 0 ? NaN : tick.last,
    flags: tick.flags & 0x7e,
  })));
}

/** Quotes one after another, each with prices of its own. */
export function quotes(fromMs: number, stepMs: number, count: number): Tick[] {
  return Array.from(
    { length: count },
    (_, index) => quote(fromMs + index * stepMs, 1 + index / 100_000),
  );
}

/** The rows as a multiset. */
export function sortedRows(ticks: Ticks): string[] {
  return Array.from({ length: ticks.count }, (_, index) => ticks.payloadKey(index)).sort();
}
