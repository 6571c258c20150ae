import assert from "node:assert/strict";
import { readSymbolList } from "../../../lib/market/symbol_list.ts";

Deno.test("a list is names, objects or both, in an array or under symbols", () => {
  assert.deepEqual(readSymbolList(["EURUSD", { name: "XAUUSD.r", digits: 2 }]), {
    symbols: [
      { rawName: "EURUSD", fields: {} },
      { rawName: "XAUUSD.r", fields: { name: "XAUUSD.r", digits: 2 } },
    ],
  });
  assert.deepEqual(readSymbolList({ source: "mt5:Demo", symbols: [{ symbol: "EURUSD" }] }), {
    source: "mt5:Demo",
    symbols: [{ rawName: "EURUSD", fields: { symbol: "EURUSD" } }],
  });
  assert.deepEqual(readSymbolList({ symbols: { EURUSD: { digits: 5 } } }).symbols, [
    { rawName: "EURUSD", fields: { name: "EURUSD", digits: 5 } },
  ]);
  assert.deepEqual(
    readSymbolList([{ instrument: "EUR/USD", digits: 5 }]).symbols[0]?.rawName,
    "EUR/USD",
  );
});

Deno.test("a universe and a raw snapshot are read as what the vendor said", () => {
  const fields = { name: "EURUSDm", digits: 5, trade_mode: 4 };
  const universe = [{ symbol_raw: "EURUSDm", symbol: "EURUSD", digits: 5, raw: fields }];
  const snapshot = [{ ...fields, stream_symbol: "EURUSD" }];
  for (const list of [universe, snapshot]) {
    assert.deepEqual(readSymbolList({ symbols: list }).symbols, [
      { rawName: "EURUSDm", symbol: "EURUSD", fields },
    ]);
  }
});

Deno.test("numbers that became texts are numbers again, and nested values stay as JSON", () => {
  const [entry] = readSymbolList([{ name: "A", digits: "5", point: "0.00001", hours: [1, 2] }])
    .symbols;
  assert.deepEqual(entry?.fields, { name: "A", digits: 5, point: 0.00001, hours: "[1,2]" });
});

Deno.test("what cannot be read is named with its entry, its field and its value", () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    ["EURUSD", /array of symbols.*current value is "EURUSD"/],
    [{ names: [] }, /array of symbols/],
    [["EURUSD", 5], /entry 1 .*current value is 5/],
    [["EURUSD", ""], /entry 1/],
    [[{ digits: 5 }], /name or symbol or instrument of entry 0 .*current value is nothing/],
    [[{ name: 7 }], /name of entry 0 .*current value is 7/],
    [[{ name: "EURUSD", digits: 5.5 }], /digits of EURUSD .*current value is 5.5/],
    [[{ name: "EURUSD", digits: -1 }], /digits of EURUSD/],
    [[{ name: "EURUSD", volume_min: "much" }], /volume_min of EURUSD .*current value is "much"/],
    [[{ name: "EURUSD", stream_symbol: "a/b" }], /stream name of EURUSD .*"a\/b"/],
    [["EURUSD", { name: "EURUSD" }], /entry 1 .*EURUSD, as of entry 0/],
  ];
  for (const [value, message] of wrong) {
    assert.throws(() => readSymbolList(value), message, JSON.stringify(value));
  }
});
