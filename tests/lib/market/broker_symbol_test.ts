import assert from "node:assert/strict";
import fc from "fast-check";
import { type BrokerSymbol, streamNames } from "../../../lib/market/broker_symbol.ts";
import { plainName } from "../../../lib/market/plain_name.ts";
import { isSymbol } from "../../../lib/market/symbol.ts";
import { UNIVERSE } from "../../../lib/market/universe.ts";

const plainNames: Readonly<Record<string, readonly string[]>> = {
  EURUSD:
    "EURUSD EURUSDm EUR/USD EUR_USD EUR-USD EUR\\USD EUR.USD #EURUSD eurusd eurusd.pro EURUSD.r EURUSD@ EURUSD+ EURUSDc EURUSD_ecn EURUSD!"
      .split(" "),
  GBPUSD: ["GBPUSD_ecn", "gbpusd.m", "GBPUSD-RAW", "GBPUSDmicro"],
  XAUUSD: ["XAUUSD.r", "XAUUSDm", "XAU/USD", "XAUUSD.spot"],
  BTCUSD: ["BTCUSD", "BTCUSDm", "BTC/USD", "BTCUSDc"],
  BTCUSDT: ["BTCUSDT", "BTC/USDT", "BTCUSDTm"],
  GDAXIm: ["GDAXIm", "GDAXIM", "gdaxim", "GDAXIm.r"],
  MAYM: ["MAYM", "MAYM.pro", "#MAYM"],
  US30: ["US30", "US30m", "US30.cash", "US30_ecn", "US30.r", "#US30"],
  AAPL: ["AAPL", "#AAPL", "AAPLm", "AAPL.pro", "aapl"],
  BRKB: ["BRK.B", "BRK.b", "BRK_B", "BRKB"],
  BITCOIN: ["Bitcoin", "BITCOIN"],
  COPPER: ["Copper", "COPPER"],
  AMAZON: ["Amazon"],
  DOGEUSD: ["DOGEUSD", "DOGEUSDm"],
};

Deno.test("a broker's decorations are dropped, and what is part of a name is not", () => {
  for (const [plain, rawNames] of Object.entries(plainNames)) {
    for (const rawName of rawNames) assert.equal(plainName(rawName), plain, rawName);
  }
});

const rawName = fc.oneof(
  fc.string({ minLength: 1, maxLength: 80, unit: "grapheme" }),
  fc.tuple(
    fc.constantFrom("", "#", ".", "m_"),
    fc.constantFrom("EURUSD", "EUR/USD", "BTCUSD", "GDAXI", "MAY", "US30", "Gold", "BRK", "金"),
    fc.constantFrom("", "m", "M", "T", "c", ".r", ".R", "_ecn", "+", ".B", "@", ".cash.m"),
  ).map((parts) => parts.join("")),
);

Deno.test("the plain name of a plain name is itself, is a symbol and is never empty", () => {
  fc.assert(fc.property(rawName, (raw) => {
    const plain = plainName(raw);
    assert.match(plain, /^[A-Za-z0-9]+$/);
    assert.equal(plainName(plain), plain);
  }));
});

const brokerSymbol: fc.Arbitrary<BrokerSymbol> = fc.oneof(
  fc.record({ rawName }),
  fc.record({ rawName, fields: fc.record({ trade_mode: fc.integer({ min: 0, max: 4 }) }) }),
);
const brokerList = fc.uniqueArray(brokerSymbol, { selector: ({ rawName }) => rawName });

Deno.test("every raw name gets a symbol of its own, whatever the order of the list", () => {
  const options = fc.constantFrom({}, { suffix: "@fxcm" }, { aliases: { Gold: "XAUUSD" } });
  const shuffled = brokerList.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))
  );
  fc.assert(fc.property(shuffled, options, ([list, other], names) => {
    const named = streamNames(list, names);
    assert.deepEqual(named.map((entry) => entry.rawName), list.map((entry) => entry.rawName));
    assert.equal(new Set(named.map(({ symbol }) => symbol.toLowerCase())).size, list.length);
    for (const { symbol } of named) assert.ok(isSymbol(symbol), JSON.stringify(symbol));
    const byRaw = (entries: typeof named) =>
      new Map(entries.map((entry) => [entry.rawName, entry.symbol]));
    const again = byRaw(streamNames(other, names));
    for (const [raw, symbol] of byRaw(named)) assert.equal(again.get(raw), symbol);
  }));
});

const symbolsOf = (raws: readonly BrokerSymbol[]) =>
  Object.fromEntries(streamNames(raws).map(({ rawName, symbol }) => [rawName, symbol]));

Deno.test("of two raw names for one symbol the written one keeps it, and both are kept", () => {
  assert.deepEqual(symbolsOf([{ rawName: "EURUSDm" }, { rawName: "EURUSD" }]), {
    EURUSD: "EURUSD",
    EURUSDm: "EURUSDm",
  });
  assert.deepEqual(symbolsOf([{ rawName: "EURUSD.r" }, { rawName: "EUR/USD" }]), {
    "EUR/USD": "EURUSD",
    "EURUSD.r": "EURUSD.r",
  });
  const [, contested] = streamNames([{ rawName: "XAUUSD" }, { rawName: "XAUUSD.r" }], {
    suffix: "@two",
  });
  assert.deepEqual(contested, {
    rawName: "XAUUSD.r",
    symbol: "XAUUSD.r@two",
    contested: "XAUUSD@two",
  });
});

Deno.test("a symbol that cannot be traded leaves its name to one that can", () => {
  const disabled = { rawName: "EURUSD", fields: { trade_mode: 0, visible: true } };
  const traded = { rawName: "EURUSDm", fields: { trade_mode: 4, visible: false } };
  const named = symbolsOf([disabled, traded]);
  assert.equal(named.EURUSDm, "EURUSD");
  assert.notEqual(named.EURUSD?.toLowerCase(), "eurusd");
});

Deno.test("an alias names a raw name, or all that have its plain name, before any rule", () => {
  const raws = [{ rawName: "GOLD.r" }, { rawName: "XAUUSD" }, { rawName: "SILVERm" }];
  const aliases = { "GOLD.r": "XAUUSD", SILVER: "XAGUSD" };
  assert.deepEqual(
    streamNames(raws, { aliases, suffix: "@b" }).map(({ symbol }) => symbol).map((symbol) =>
      symbol.replace(/-[0-9a-f]{8}@/, "-…@")
    ),
    ["XAUUSD@b", "XAUUSD-…@b", "XAGUSD@b"],
  );
});

Deno.test("an alias or a suffix that makes no symbol is refused by name", () => {
  const gold = [{ rawName: "GOLD" }];
  assert.throws(() => streamNames(gold, { aliases: { GOLD: "XAU/USD" } }), /alias of GOLD/);
  assert.throws(() => streamNames(gold, { aliases: { GOLD: "XAUUSD@b" } }), /alias of GOLD/);
  assert.throws(() => streamNames(gold, { suffix: "fxcm" }), /suffix/);
});

Deno.test("a universe that a broker offers under its own names comes out as it is", () => {
  assert.deepEqual(
    streamNames(UNIVERSE.map(({ symbol }) => ({ rawName: symbol }))).map(({ symbol }) => symbol),
    UNIVERSE.map(({ symbol }) => symbol),
  );
});
