import assert from "node:assert/strict";
import fc from "fast-check";
import { BAR_HEADER, decodeBars, encodeBars } from "../../../../lib/capture/bars/bar_row.ts";
import { barAt, HOUR_MS, MONDAY_MS } from "./series.ts";

const textOf = (bars: Parameters<typeof encodeBars>[0]) =>
  new TextDecoder().decode(encodeBars(bars));
const read = (text: string) => decodeBars(new TextEncoder().encode(text), { path: "x.csv" });

Deno.test("a row is whole seconds and the shortest digits, never an exponent", () => {
  const bar = barAt(MONDAY_MS, {
    open: 1.1234,
    high: 25000,
    low: 1e-7,
    close: 0.30000000000000004,
  });
  assert.equal(
    textOf([bar]),
    `${BAR_HEADER}1766361600,1766368800,1.1234,25000,0.0000001,0.30000000000000004,7\n`,
  );
});

const price = fc.double({ min: -1e12, max: 1e12, noNaN: true, noDefaultInfinity: true });
const bars = fc.array(
  fc.record({
    a: price,
    b: price,
    c: price,
    d: price,
    volume: fc.double({ min: 0, max: 1e15, noNaN: true }),
  }),
).map((rows) =>
  rows.map(({ a, b, c, d, volume }, index) => {
    const [low = 0, open = 0, close = 0, high = 0] = [a, b, c, d].map((x) => x + 0)
      .sort((x, y) => x - y);
    return barAt(MONDAY_MS + index * HOUR_MS, { open, high, low, close, volume });
  })
);

Deno.test("whatever is written reads back as the same numbers", () => {
  fc.assert(fc.property(bars, (written) => {
    const text = textOf(written);
    assert.doesNotMatch(text.slice(BAR_HEADER.length), /e/);
    // A zero has no sign on the disk.
    const unsigned = written.map((bar) =>
      Object.fromEntries(Object.entries(bar).map(([name, value]) => [name, value + 0]))
    );
    assert.deepEqual(read(text), unsigned);
  }));
});

Deno.test("a file that is torn anywhere but at the end of a row is refused", () => {
  const text = textOf([barAt(MONDAY_MS), barAt(MONDAY_MS + HOUR_MS)]);
  for (let length = 0; length < text.length; length++) {
    const torn = text.slice(0, length);
    if (length >= BAR_HEADER.length && torn.endsWith("\n")) continue;
    assert.throws(() => read(torn), /Cannot read x\.csv /);
  }
});

Deno.test("what is no row of a bar is named with its file, row and value", () => {
  const row = "1766361600,1766368800,1.1,1.3,1,1.2,7";
  const wrong: [string, RegExp][] = [
    ["time,open\n", /x\.csv as bars: current value of its header is "time,open"/],
    [`${BAR_HEADER}${row}\n${row}\n`, /row 2 as a bar after 2025-12-22T00:00:00\.000Z/],
    [`${BAR_HEADER}${row},\n`, /row 1 as 7 values: current value is "1766361600/],
    [`${BAR_HEADER}${row.replace("1.3", "1.3e0")}\n`, /row 1 as high of a bar: .*"1\.3e0"/],
    [`${BAR_HEADER}${row.replace("1.3", "")}\n`, /row 1 as high of a bar: .*""/],
    [`${BAR_HEADER}${row.replace("1.3", "01.3")}\n`, /row 1 as high of a bar: .*"01\.3"/],
    [`${BAR_HEADER}${row.replace("1.3", "NaN")}\n`, /row 1 as high of a bar: .*"NaN"/],
    [`${BAR_HEADER}${row.replace("1.3", "1.15")}\n`, /row 1 as a bar with high at least .* 1\.15/],
    [`${BAR_HEADER}${row.replace("66361600", "66361600.5")}\n`, /row 1 as utcMs of a bar/],
    [`${BAR_HEADER}${row}\r\n`, /row 1 as volume of a bar: current value is "7\\r"/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => read(text), (error) => {
      assert.ok(error instanceof SyntaxError);
      assert.match(error.message, message);
      return true;
    });
  }
});
