import assert from "node:assert/strict";
import fc from "fast-check";
import { dayOf } from "../../../../lib/capture/day_path.ts";
import { sealDay } from "../../../../lib/capture/seal.ts";
import { compareIds, NO_TICK, type TickId } from "../../../../lib/market/tick_id.ts";
import { limitRows, readTickRows } from "../../../../workers/gateway/queries/tick_rows.ts";
import {
  DAY_START_MS,
  daysOf,
  ListLog,
  placed,
  type PlacedTick,
  rowsOf,
  SYMBOL,
  textOf,
  writeDayFile,
} from "./history.ts";

const DAY_MS = 86_400_000, END: TickId = { ms: Number.MAX_SAFE_INTEGER, n: 0 };

interface Stored {
  readonly ticks: readonly PlacedTick[];
  /** Of each tick: the part of its day that it is in, and perhaps another one too. */
  readonly parts: readonly (readonly number[])[];
  readonly logFrom: number;
  readonly after: TickId;
  readonly end: TickId;
}

/** Days of ticks dealt to parts, the last day open, the newest ones in the log (too). */
const stored: fc.Arbitrary<Stored> = fc.record({
  pausesMs: fc.array(
    fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: DAY_MS * 1.5 })),
    { minLength: 1, maxLength: 40 },
  ),
  lateMs: fc.array(fc.constantFrom(0, 0, 0, 5), { minLength: 40, maxLength: 40 }),
  parts: fc.array(fc.constantFrom([0], [0], [0], [1], [2], [0, 1]), {
    minLength: 40,
    maxLength: 40,
  }),
  logFrom: fc.nat(40),
  after: fc.nat(41),
  end: fc.nat(41),
}).map(({ pausesMs, lateMs, parts, logFrom, after, end }) => {
  let ms = DAY_START_MS;
  const ticks = placed(pausesMs.map((pauseMs, index) => (ms += pauseMs) - (lateMs[index] ?? 0)));
  return {
    ticks,
    parts,
    logFrom: Math.min(logFrom, ticks.length),
    after: ticks[after]?.id ?? NO_TICK,
    end: ticks[end]?.id ?? END,
  };
});

Deno.test("files and log in any mixture read as what a simple sort of all their rows gives", async () => {
  await fc.assert(
    fc.asyncProperty(stored, async ({ ticks, parts, logFrom, after, end }) => {
      const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_rows_" });
      try {
        const openDay = dayOf(ticks.at(-1)?.id.ms ?? 0);
        for (const [day, some] of daysOf(ticks)) {
          const inPart = Map.groupBy(
            some.flatMap((tick) => {
              const index = ticks.indexOf(tick);
              // The newest ones have not been written yet.
              if (index > logFrom + 3) return [];
              return (parts[index] ?? [0]).map((part) => ({ part, tick }));
            }),
            ({ part }) => part === 0 && day === openDay ? -1 : part,
          );
          for (const [part, rows] of inPart) {
            await writeDayFile(dataDir, { day, part }, rowsOf(rows.map(({ tick }) => tick)));
          }
        }
        const reader = new ListLog(ticks);
        reader.trimmedId = ticks[logFrom - 1]?.id ?? NO_TICK;
        const range = { symbol: SYMBOL, after, end };
        const expected = ticks.filter(({ id }) => {
          return compareIds(id, after) > 0 && compareIds(id, end) < 0;
        });
        const found = await textOf(readTickRows({ dataDir, reader }, range));
        assert.equal(found, rowsOf(expected));
      } finally {
        await Deno.remove(dataDir, { recursive: true });
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("a day of many chunks begins at any id of it, and passes through byte for byte", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_rows_" });
  try {
    const ticks = placed(Array.from({ length: 30_000 }, (_, index) => DAY_START_MS + index * 2));
    const day = dayOf(DAY_START_MS);
    for (const part of [0, -1]) {
      const path = await writeDayFile(dataDir, { day, part }, rowsOf(ticks));
      const history = { dataDir, reader: new ListLog([]) };
      const read = (after: TickId) =>
        textOf(readTickRows(history, { symbol: SYMBOL, after, end: END }));
      assert.equal(await read(NO_TICK), rowsOf(ticks));
      for (let at = 0; at < ticks.length; at += 1777) {
        const id = ticks[at]?.id ?? NO_TICK;
        assert.equal(await read(id), rowsOf(ticks.slice(at + 1)));
        // Between two ticks there is none.
        assert.equal(await read({ ms: id.ms + 1, n: 7 }), rowsOf(ticks.slice(at + 1)));
      }
      assert.equal(await read(ticks.at(-1)?.id ?? NO_TICK), "");
      await Deno.remove(path);
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("an open file ends at its first torn row, and the log has the rest", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_rows_" });
  try {
    const ticks = placed(Array.from({ length: 50 }, (_, index) => DAY_START_MS + index));
    const torn = `${rowsOf(ticks.slice(0, 20))}\0\0\0\0\n${rowsOf(ticks.slice(30, 40))}`;
    await writeDayFile(dataDir, { day: dayOf(DAY_START_MS), part: -1 }, torn);
    const history = { dataDir, reader: new ListLog(ticks, { pageTicks: 7 }) };
    for (const after of [NO_TICK, ticks[10]?.id ?? NO_TICK, ticks[25]?.id ?? NO_TICK]) {
      const expected = ticks.filter(({ id }) => compareIds(id, after) > 0);
      const rows = readTickRows(history, { symbol: SYMBOL, after, end: END });
      assert.equal(await textOf(rows), rowsOf(expected));
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a day that is sealed while it is read gives each of its rows once", async () => {
  const place = { symbol: SYMBOL, market: "fx" as const, day: dayOf(DAY_START_MS) };
  const ticks = placed(Array.from({ length: 500 }, (_, index) => DAY_START_MS + index));
  for (let round = 0; round < 20; round++) {
    const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_rows_" });
    try {
      await writeDayFile(dataDir, { day: place.day, part: -1 }, rowsOf(ticks));
      const history = { dataDir, reader: new ListLog([]) };
      const range = { symbol: SYMBOL, after: ticks[round]?.id ?? NO_TICK, end: END };
      let isSealed = false;
      const sealing = sealDay(dataDir, place, { watermarkMs: 0, gaps: [] })
        .finally(() => isSealed = true);
      while (!isSealed) {
        assert.equal(await textOf(readTickRows(history, range)), rowsOf(ticks.slice(round + 1)));
      }
      await sealing;
      assert.equal(await textOf(readTickRows(history, range)), rowsOf(ticks.slice(round + 1)));
    } finally {
      await Deno.remove(dataDir, { recursive: true });
    }
  }
});

Deno.test("a sealed file that is damaged at its end stops the reading by name", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_rows_" });
  try {
    const ticks = placed([DAY_START_MS, DAY_START_MS + 1]);
    const path = await writeDayFile(
      dataDir,
      { day: dayOf(DAY_START_MS), part: 0 },
      `${rowsOf(ticks)}1767312000.000,17`,
    );
    const history = { dataDir, reader: new ListLog([]) };
    const rows = readTickRows(history, { symbol: SYMBOL, after: NO_TICK, end: END });
    await assert.rejects(textOf(rows), (cause) => {
      return cause instanceof Error && cause.message.includes(path.slice(-14)) &&
        cause.cause instanceof SyntaxError;
    });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("what the log trims while a slow client reads is taken from the files instead", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_rows_" });
  try {
    const ticks = placed(Array.from({ length: 60 }, (_, index) => DAY_START_MS + index));
    const reader = new ListLog(ticks, { pageTicks: 5 });
    let found = "";
    const range = { symbol: SYMBOL, after: NO_TICK, end: END };
    for await (const { bytes } of readTickRows({ dataDir, reader }, range)) {
      found += new TextDecoder().decode(bytes);
      if (reader.trimmedId.ms > 0) continue;
      await writeDayFile(
        dataDir,
        { day: dayOf(DAY_START_MS), part: 0 },
        rowsOf(ticks.slice(0, 40)),
      );
      reader.trimmedId = ticks[39]?.id ?? NO_TICK;
    }
    assert.equal(found, rowsOf(ticks));
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a range that the log has trimmed is answered without reading it", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_rows_" });
  try {
    const ticks = placed(Array.from({ length: 20 }, (_, index) => DAY_START_MS + index));
    await writeDayFile(dataDir, { day: dayOf(DAY_START_MS), part: 0 }, rowsOf(ticks));
    const reader = new ListLog(ticks);
    reader.trimmedId = ticks[10]?.id ?? NO_TICK;
    const end = ticks[8]?.id ?? END;
    const rows = readTickRows({ dataDir, reader }, { symbol: SYMBOL, after: NO_TICK, end });
    assert.equal(await textOf(rows), rowsOf(ticks.slice(0, 8)));
    assert.equal(reader.reads, 0);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a limit cuts after so many rows and says whether more follow", async () => {
  const ticks = placed(Array.from({ length: 10 }, (_, index) => DAY_START_MS + index));
  for (const limit of [1, 3, 4, 9, 10, 11]) {
    const history = { dataDir: "/nowhere", reader: new ListLog(ticks) };
    const blocks = readTickRows(history, { symbol: SYMBOL, after: NO_TICK, end: END });
    const rows = limitRows(blocks, limit);
    let text = "", count = 0, step = await rows.next();
    for (; !step.done; step = await rows.next()) {
      text += new TextDecoder().decode(step.value.bytes);
      count += step.value.rows;
    }
    assert.equal(text, rowsOf(ticks.slice(0, limit)));
    assert.deepEqual([count, step.value], [Math.min(limit, 10), limit < 10], String(limit));
  }
});
