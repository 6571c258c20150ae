import assert from "node:assert/strict";
import { type Choice, chosenSymbols, missingSymbols } from "../../../lib/market/chosen_symbols.ts";
import { UNIVERSE } from "../../../lib/market/universe.ts";

const offered = (...symbols: string[]) =>
  symbols.map((symbol) => ({ symbol, rawName: `${symbol}.r`, digits: 5 }));
const namesOf = (symbols: string[], choice: Choice) =>
  chosenSymbols(offered(...symbols), choice).map(({ symbol }) => symbol);

Deno.test("of a broker the 41 are captured that it has, and the others are named", () => {
  assert.deepEqual(namesOf(["AAPL", "EURUSD", "GDAXIm"], {}), ["EURUSD", "GDAXIm"]);
  const missing = missingSymbols(offered("AAPL", "EURUSD", "GDAXIm"), {});
  assert.equal(missing.length, UNIVERSE.length - 2);
  assert.ok(missing.includes("MAYM") && !missing.includes("EURUSD"));
});

Deno.test("a session's suffix does not hide the 41", () => {
  assert.deepEqual(namesOf(["EURUSD@fxcm", "AAPL@fxcm"], {}), ["EURUSD@fxcm"]);
  assert.ok(!missingSymbols(offered("EURUSD@fxcm"), {}).includes("EURUSD"));
});

Deno.test("the discovered universe of the source, or out of a list, comes before the 41", () => {
  const universe = {
    symbols: [
      { symbol: "AAPL", source: "mt5:One" },
      { symbol: "US30", source: "list:names.json" },
      { symbol: "GBPUSD", source: "mt5:Two" },
    ],
  };
  const all = ["EURUSD", "AAPL", "US30", "GBPUSD"];
  assert.deepEqual(namesOf(all, { universe, source: "mt5:One" }), ["AAPL", "US30"]);
  assert.deepEqual(namesOf(all, { universe }), ["AAPL", "US30", "GBPUSD"]);
  assert.deepEqual(missingSymbols(offered("US30"), { universe, source: "mt5:One" }), ["AAPL"]);
  const others = { symbols: [{ symbol: "AAPL", source: "mt5:Two" }] };
  assert.deepEqual(namesOf(all, { universe: others, source: "mt5:One" }), ["EURUSD", "GBPUSD"]);
});

Deno.test("the setting comes before all, and a star is everything", () => {
  const universe = { symbols: [{ symbol: "AAPL", source: "mt5:One" }] };
  assert.deepEqual(namesOf(["EURUSD", "AAPL"], { symbols: ["EURUSD", "NONE"], universe }), [
    "EURUSD",
  ]);
  assert.deepEqual(missingSymbols(offered("EURUSD"), { symbols: ["EURUSD", "NONE"] }), ["NONE"]);
  assert.deepEqual(namesOf(["EURUSD", "AAPL"], { symbols: ["*"] }), ["EURUSD", "AAPL"]);
  assert.deepEqual(missingSymbols(offered("EURUSD"), { symbols: ["*"] }), []);
  assert.deepEqual(namesOf(["EURUSD", "AAPL"], { symbols: [] }), ["EURUSD"]);
});

Deno.test("a recording is captured whole, unless the setting names symbols", () => {
  assert.deepEqual(namesOf(["BTCUSD"], { kind: "replay" }), ["BTCUSD"]);
  assert.deepEqual(missingSymbols(offered("BTCUSD"), { kind: "simulated" }), []);
  assert.deepEqual(namesOf(["BTCUSD"], { kind: "replay", symbols: ["EURUSD"] }), []);
});
