import assert from "node:assert/strict";
import { join } from "node:path";
import { isPair, plainName } from "../../../lib/market/plain_name.ts";
import { changesOf, specificationOf } from "../../../lib/market/specification.ts";
import { UNIVERSE } from "../../../lib/market/universe.ts";
import { DEFAULT_FILTER, EVERYTHING, filterUniverse } from "../../../lib/market/universe_filter.ts";
import { universeSymbol, universeSymbolOf } from "../../../lib/market/universe_symbol.ts";
import type { VendorFields } from "../../../lib/market/vendor_fields.ts";

const DATA = join(import.meta.dirname ?? ".", "../../../../shared/data");

/** The fields of `symbol_info` that matter here, as MetaTrader 5 tells them. */
const gold: VendorFields = {
  name: "XAUUSD.r",
  path: "Metals\\Spot\\XAUUSD.r",
  description: "Gold vs US Dollar",
  digits: 2,
  point: 0.01,
  spread: 23,
  spread_float: true,
  trade_mode: 4,
  trade_calc_mode: 2,
  currency_base: "XAU",
  currency_profit: "USD",
  trade_contract_size: 100,
  volume_min: 0.01,
  volume_max: 50,
  volume_step: 0.01,
  volume: 0,
  volumehigh: 0,
  time: 1766400000,
  bid: 4400.1,
  ask: 4400.33,
  visible: true,
  select: true,
  session_deals: 12,
  swap_mode: 1,
  swap_long: -40.5,
  swap_short: 12.25,
  margin_initial: 0,
  trade_tick_value: 0.85,
  price_greeks_delta: 0,
};
/** A row of ForexConnect's offers table. */
const offer: VendorFields = {
  offer_id: "1",
  instrument: "EUR/USD",
  bid: 1.17405,
  ask: 1.17417,
  digits: 5,
  point_size: 0.0001,
  subscription_status: "T",
  instrument_type: 1,
  contract_currency: "EUR",
  contract_multiplier: 1,
  trading_status: "O",
  time: "2026-01-05T10:00:00Z",
  buy_interest: -2.1,
  sell_interest: 1.2,
};

Deno.test("a symbol of MetaTrader becomes an entry of the universe", () => {
  const described = { symbol: "XAUUSD", rawName: "XAUUSD.r", digits: 2, fields: gold };
  const entry = universeSymbolOf(described, "mt5:Broker-Demo");
  assert.deepEqual({ ...entry, raw: undefined }, {
    symbol_raw: "XAUUSD.r",
    symbol: "XAUUSD",
    market: "fx",
    source: "mt5:Broker-Demo",
    digits: 2,
    point: 0.01,
    currency_base: "XAU",
    currency_profit: "USD",
    contract_size: 100,
    min_volume: 0.01,
    max_volume: 50,
    volume_step: 0.01,
    spread: 23,
    tradeable: true,
    raw: undefined,
  });
  assert.deepEqual(entry.raw, gold);
  assert.deepEqual(universeSymbol.parse(JSON.parse(JSON.stringify(entry))), entry);
});

Deno.test("an offer of ForexConnect does too, and its point is the smallest step, not a pip", () => {
  const described = { symbol: "EURUSD@fxcm", rawName: "EUR/USD", digits: 5, fields: offer };
  const { raw: _, ...entry } = universeSymbolOf(described, "fxcm:Demo");
  assert.deepEqual(entry, {
    symbol_raw: "EUR/USD",
    symbol: "EURUSD@fxcm",
    market: "fx",
    source: "fxcm:Demo",
    digits: 5,
    point: 0.00001,
    currency_base: "EUR",
    currency_profit: "USD",
    contract_size: 1,
    min_volume: null,
    max_volume: null,
    volume_step: null,
    spread: 12,
    tradeable: true,
  });
});

Deno.test("the columns of ForexConnect's offers mean what the attributes of its rows mean", () => {
  const columns: VendorFields = {
    ...{ OfferID: "7", Instrument: "GER30", QuoteID: "Q1", Bid: 17000.5, Ask: 17001.5, Volume: 3 },
    ...{ Low: 0, High: null, Time: "2026-01-05T10:00:00", Digits: 1, PointSize: 1 },
    ...{ BidTradable: "T", SubscriptionStatus: "D", InstrumentType: 2, ContractCurrency: "EUR" },
    ...{ ContractMultiplier: 10, ValueDate: "", TradingStatus: "O", PipCost: 0.1 },
  };
  const entry = universeSymbolOf(
    { symbol: "GER30@fxcm", rawName: "GER30", fields: columns },
    "fxcm:Demo",
  );
  assert.deepEqual(
    [entry.market, entry.digits, entry.point, entry.currency_base, entry.contract_size],
    ["index", 1, 0.1, "EUR", 10],
  );
  assert.deepEqual([entry.tradeable, entry.spread], [false, 10]);
  assert.deepEqual(entry.raw, columns);
  assert.deepEqual(
    Object.keys(specificationOf(columns)),
    "OfferID Instrument Digits PointSize InstrumentType ContractCurrency ContractMultiplier"
      .split(" "),
  );
});

Deno.test("a name alone is an entry with nothing invented", () => {
  const { symbol, symbol_raw, source, market, tradeable, raw, ...told } = universeSymbolOf(
    { symbol: "US30", rawName: "US30m", fields: {} },
    "list:names",
  );
  assert.deepEqual([symbol, symbol_raw, source, market], ["US30", "US30m", "list:names", "stock"]);
  assert.deepEqual([tradeable, raw], [true, {}]);
  for (const [name, value] of Object.entries(told)) assert.equal(value, null, name);
});

const marketOf = (rawName: string, fields: VendorFields) =>
  universeSymbolOf({ symbol: plainName(rawName), rawName, fields }, "mt5:test").market;

Deno.test("a vendor's words and modes tell the market, where the universe and the name do not", () => {
  assert.equal(marketOf("GDAXIm", { path: "Stocks\\GDAXIm" }), "index");
  assert.equal(marketOf("EURUSDm", { path: "Whatever\\EURUSDm", trade_calc_mode: 32 }), "fx");
  assert.equal(marketOf("US30", { path: "CFD Indices\\US\\US30" }), "index");
  assert.equal(marketOf("COPPER", { path: "Metals\\COPPER" }), "fx");
  assert.equal(marketOf("NATGAS", { path: "Energies\\NATGAS" }), "stock");
  assert.equal(marketOf("INDEXED", { path: "Shares\\US\\INDEXED" }), "stock");
  assert.equal(marketOf("US500", { trade_calc_mode: 3 }), "index");
  assert.equal(marketOf("AAPL", { trade_calc_mode: 32 }), "stock");
  assert.equal(marketOf("GER30", { instrument_type: 2 }), "index");
  assert.equal(marketOf("USOIL", { instrument_type: 3 }), "stock");
  assert.equal(marketOf("GOLD", { currency_base: "XAU", currency_profit: "USD" }), "fx");
  assert.equal(marketOf("AAPL", { currency_base: "USD", currency_profit: "USD" }), "stock");
});

Deno.test("the 41 have the market that they always had, whatever a vendor says", () => {
  for (const { symbol, market } of UNIVERSE) {
    assert.equal(marketOf(symbol, { path: "Stocks\\x", trade_calc_mode: 32 }), market);
  }
});

Deno.test("currency pairs of brokers are recognised, and nothing else is shortened", async (t) => {
  const path = join(DATA, "json/lean/symbol-properties-database.csv");
  const rows = await Deno.readTextFile(path).catch(() => undefined);
  await t.step({
    name: `with ${path}`,
    ignore: rows === undefined,
    fn: () => {
      const brokers = (rows ?? "").split("\n").map((row) => row.split(","))
        .filter(([market, name]) => /^(fxcm|oanda)$/.test(market ?? "") && name !== "[*]");
      assert.ok(brokers.length > 150);
      for (const [, name = "", type] of brokers) {
        assert.equal(plainName(name), name);
        if (type === "forex") assert.ok(isPair(name), name);
      }
    },
  });
});

Deno.test("what can be traded is said by a mode, a word or a status, and not by what is shown", () => {
  const tradeable = (fields: VendorFields) =>
    universeSymbolOf({ symbol: "X", rawName: "X", fields }, "mt5:test").tradeable;
  assert.equal(tradeable({ trade_mode: 0, visible: true }), false);
  assert.equal(tradeable({ trade_mode: 3, visible: false, select: false }), true);
  assert.equal(tradeable({ trade_mode: "disabled" }), false);
  assert.equal(tradeable({ trade_allowed: false }), false);
  assert.equal(tradeable({ subscription_status: "D" }), false);
  assert.equal(tradeable({ subscription_status: "V" }), true);
  assert.equal(tradeable({}), true);
});

Deno.test("a filter goes by market, by mode and by masks", () => {
  const entryOf = (symbol: string, market: "fx" | "index" | "stock", tradeable = true) => ({
    ...universeSymbolOf({ symbol, rawName: `${symbol}.r`, fields: {} }, "mt5:test"),
    market,
    tradeable,
  });
  const entries = [
    entryOf("EURUSD", "fx"),
    entryOf("USDTRY", "fx", false),
    entryOf("US30", "index"),
    entryOf("AAPL", "stock"),
  ];
  const names = (filter: Partial<typeof DEFAULT_FILTER>) =>
    filterUniverse(entries, { ...DEFAULT_FILTER, ...filter }).map(({ symbol }) => symbol);
  assert.deepEqual(names({}), ["EURUSD", "US30"]);
  assert.deepEqual(names(EVERYTHING), ["EURUSD", "USDTRY", "US30", "AAPL"]);
  assert.deepEqual(names({ markets: ["stock"] }), ["AAPL"]);
  assert.deepEqual(names({ masks: ["us*"] }), ["US30"]);
  assert.deepEqual(names({ masks: ["!US??.r"] }), ["EURUSD"]);
  assert.deepEqual(names({ ...EVERYTHING, masks: ["*USD*", "!EUR*"] }), ["USDTRY"]);
  assert.deepEqual(names({ masks: ["E.R*"] }), []);
});

Deno.test("a specification has no quotes, clocks, statistics or what follows from rates", () => {
  assert.deepEqual(Object.keys(specificationOf(gold)), [
    ..."name path description digits point spread_float trade_mode trade_calc_mode currency_base"
      .split(" "),
    ..."currency_profit trade_contract_size volume_min volume_max volume_step swap_mode".split(" "),
    ..."swap_long swap_short margin_initial".split(" "),
  ]);
  assert.deepEqual(
    Object.keys(specificationOf(offer)),
    "offer_id instrument digits point_size instrument_type contract_currency contract_multiplier buy_interest sell_interest"
      .split(" "),
  );
  assert.equal(specificationOf({ spread: 2, spread_float: false }).spread, 2);
});

Deno.test("a field that is not told has not changed", () => {
  assert.deepEqual(changesOf({ a: 1, b: 2, c: 3 }, { b: 2, c: 4, d: null, e: "x" }), {
    c: { old: 3, new: 4 },
    d: { old: null, new: null },
    e: { old: null, new: "x" },
  });
});
