import assert from "node:assert/strict";
import fc from "fast-check";
import { isSymbol, symbolFolder } from "../../../lib/market/symbol.ts";
import { marketOf, UNIVERSE } from "../../../lib/market/universe.ts";

const symbol = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9#&_.][A-Za-z0-9#&_.@ -]{0,20}$/),
  fc.constantFrom(
    "CON",
    "nul.m",
    "com1",
    "..",
    ".",
    "A..",
    "US30.",
    "EURUSD@fxcm",
    "BRK B",
    "#A&B",
  ),
);
const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

Deno.test("any symbol makes a folder name that every file system takes", () => {
  fc.assert(fc.property(symbol, (name) => {
    const folder = symbolFolder(name);
    assert.match(folder, /^[A-Za-z0-9._@~-]+$/);
    assert.ok(!folder.includes("..") && !folder.startsWith(".") && !/[. ]$/.test(folder), folder);
    assert.doesNotMatch(folder, device);
  }));
});

Deno.test("two symbols never share a folder", () => {
  fc.assert(fc.property(symbol, symbol, (a, b) => {
    fc.pre(a.toLowerCase() !== b.toLowerCase());
    assert.notEqual(symbolFolder(a).toLowerCase(), symbolFolder(b).toLowerCase());
  }));
});

Deno.test("an ordinary name is its own folder", () => {
  for (const name of ["EURUSD", "GDAXIm", "EURUSD@fxcm", "US30-cash", "EURUSD.pro"]) {
    assert.equal(symbolFolder(name), name);
  }
});

Deno.test("what could leave the folder is no symbol", () => {
  for (const name of ["", "a/b", "a\\b", "a:b", " EURUSD", "a\0", "a\n", "x".repeat(65), "é"]) {
    assert.equal(isSymbol(name), false, JSON.stringify(name));
  }
  for (const name of ["EURUSD", "#AAPL", "BRK B", "EURUSD@fxcm", ".US30Cash"]) {
    assert.equal(isSymbol(name), true, name);
  }
});

Deno.test("the universe has 27 pairs, 10 metals and 4 indices, each once", () => {
  const count = (test: (name: string) => boolean) =>
    UNIVERSE.filter((entry) => test(entry.symbol)).length;
  assert.equal(UNIVERSE.length, 41);
  assert.equal(new Set(UNIVERSE.map((entry) => entry.symbol)).size, 41);
  assert.equal(count((name) => /^X[APT][UGDT]/.test(name)), 10);
  assert.equal(UNIVERSE.filter(({ market }) => market === "index").length, 4);
  for (const { symbol } of UNIVERSE) assert.ok(isSymbol(symbol) && symbolFolder(symbol) === symbol);
});

Deno.test("a symbol's market is its own, wherever it is captured", () => {
  assert.equal(marketOf("EURUSD"), "fx");
  assert.equal(marketOf("EURUSD@fxcm"), "fx");
  assert.equal(marketOf("XAUUSD"), "fx");
  assert.equal(marketOf("GDAXIm"), "index");
  assert.equal(marketOf("USDMXN"), "fx");
  assert.equal(marketOf("AAPL"), "stock");
});
