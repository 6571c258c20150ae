import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { tempFolder } from "../../../support/temp_folder.ts";
import type { Severity } from "../../../../workers/writer/verify/difference.ts";
import { verified } from "../damages.ts";
import {
  AUDIT,
  BAR_FOLDER,
  copyFolder,
  HEAD,
  LAST_MANIFEST,
  LOGS,
  MONDAY,
  MONDAY_ADDED,
  MONDAY_BARS,
  MONDAY_BARS_AGAIN,
  MONDAY_MANIFEST,
  SECOND_CYCLE,
  TICK_FOLDER,
  TUESDAY,
  TUESDAY_BARS,
  TUESDAY_MANIFEST,
  writeProvenFolder,
} from "./proven_folder.ts";

const HOUR_MS = 3_600_000;

interface Damage {
  readonly do: (at: Folder) => Promise<unknown>;
  /** What must be among the differences; nothing of other files may be. */
  readonly says: readonly [path: string, words: RegExp][];
  readonly severity?: Severity;
  /** Files that are concerned too, beyond those of `says`. */
  readonly also?: readonly string[];
}

/** A copy of the undamaged folder. */
class Folder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  at(path: string): string {
    return `${this.path}/${path}`;
  }

  async bytes(path: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
    await Deno.writeFile(this.at(path), change(await Deno.readFile(this.at(path))));
  }

  async text(path: string, change: (text: string) => string): Promise<void> {
    const text = await Deno.readTextFile(this.at(path)), changed = change(text);
    assert.notEqual(changed, text, "the damage is one");
    await Deno.writeTextFile(this.at(path), changed);
  }

  lines(path: string, change: (lines: string[]) => unknown): Promise<void> {
    return this.text(path, (text) => {
      const lines = text.split("\n");
      change(lines);
      return lines.join("\n");
    });
  }

  // deno-lint-ignore no-explicit-any -- a test changes whatever it likes
  json(path: string, change: (value: any) => unknown): Promise<void> {
    return this.text(path, (text) => {
      const value = JSON.parse(text);
      change(value);
      return `${JSON.stringify(value, null, 2)}\n`;
    });
  }

  /** Makes a manifest say what a changed file is: the work of somebody who knows the format. */
  async prove(path: string, manifest: string): Promise<void> {
    const bytes = await Deno.readFile(this.at(path));
    const rows = new TextDecoder().decode(bytes).split("\n").length - 2;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    await this.json(manifest, (value) => {
      for (const facts of [value, ...value.files]) {
        Object.assign(facts, { rows, sha256, bytes: bytes.length });
      }
    });
  }

  move(from: string, to: string): Promise<void> {
    return Deno.rename(this.at(from), this.at(to));
  }

  remove(path: string): Promise<void> {
    return Deno.remove(this.at(path));
  }

  async copy(from: string, to: string): Promise<void> {
    await Deno.copyFile(this.at(from), this.at(to));
  }
}

/** The copy of a changed CSV file differs from it too. */
const COPY = `parquet/${MONDAY.replace(".csv", ".parquet")}`;
const BAR_COPY = `parquet/${TUESDAY_BARS.replace(".csv", ".parquet")}`;

const DAMAGES: Record<string, Damage> = {
  "a changed digit in a row": {
    do: (at) => at.lines(TUESDAY, (lines) => lines[5] = lines[5]?.replace(",1.1", ",1.2") ?? ""),
    says: [[TUESDAY, /^sha256 /]],
  },
  "a changed separator": {
    do: (at) => at.lines(TUESDAY, (lines) => lines[5] = lines[5]?.replace(",1.1", ";1.1") ?? ""),
    says: [[TUESDAY, /row 5 cannot be read/], [TUESDAY, /^rows 4, in the manifest 48/]],
  },
  "a flipped bit": {
    do: (at) => at.bytes(TUESDAY, (bytes) => bytes.with(200, (bytes[200] ?? 0) ^ 128)),
    says: [[TUESDAY, /cannot be read|sha256/]],
  },
  "a removed row": {
    do: (at) => at.lines(TUESDAY, (lines) => lines.splice(5, 1)),
    says: [[TUESDAY, /^bytes /], [TUESDAY, /^rows 47, in the manifest 48/]],
  },
  "a removed row that the manifest was made to agree with": {
    do: async (at) => {
      await at.lines(TUESDAY, (lines) => lines.splice(5, 1));
      await at.prove(TUESDAY, TUESDAY_MANIFEST);
    },
    says: [[TUESDAY_MANIFEST, /it was changed: .* has another sha256 of it/]],
  },
  "a removed row of the newest manifest, which was made to agree": {
    do: async (at) => {
      await at.lines(MONDAY_ADDED, (lines) => lines.splice(2, 1));
      await at.prove(MONDAY_ADDED, LAST_MANIFEST);
    },
    says: [[LAST_MANIFEST, /it was changed: metadata\/chains\/EURUSD_TICK\.json has another/]],
    also: [AUDIT, `parquet/${MONDAY_ADDED.replace(".csv", ".parquet")}`],
  },
  "a removed last row": {
    do: (at) => at.lines(TUESDAY, (lines) => lines.splice(-2, 1)),
    says: [[TUESDAY, /^last id /]],
  },
  "swapped rows": {
    do: (at) =>
      at.lines(TUESDAY, (lines) => [lines[5], lines[6]] = [lines[6] ?? "", lines[5] ?? ""]),
    says: [[TUESDAY, /row 6 is out of order/]],
  },
  "a row that stands twice": {
    do: (at) => at.lines(TUESDAY, (lines) => lines.splice(5, 0, lines[5] ?? "")),
    says: [[TUESDAY, /row 6 is out of order/]],
  },
  "a row of another day": {
    do: async (at) => {
      const other = (await Deno.readTextFile(at.at(MONDAY))).split("\n")[3] ?? "";
      await at.lines(TUESDAY, (lines) => lines[1] = other);
    },
    says: [[TUESDAY, /row 1 belongs to 2025-12-22/]],
  },
  "an id that two parts of a day have": {
    do: async (at) => {
      const other = (await Deno.readTextFile(at.at(MONDAY))).split("\n")[1] ?? "";
      await at.lines(MONDAY_ADDED, (lines) => lines[1] = other);
    },
    says: [[MONDAY, /1 of its ids are there twice: .* is in .*2025-12-22__1\.csv/]],
    also: [MONDAY_ADDED, `parquet/${MONDAY_ADDED.replace(".csv", ".parquet")}`],
  },
  "a truncated file": {
    do: (at) => Deno.truncate(at.at(TUESDAY), 300),
    says: [[TUESDAY, /a line without its end/], [TUESDAY, /^bytes 300,/]],
  },
  "an emptied file": {
    do: (at) => Deno.truncate(at.at(TUESDAY), 0),
    says: [[TUESDAY, /it has no rows/], [TUESDAY, /^bytes 0,/]],
  },
  "bytes behind the end": {
    do: (at) => Deno.writeTextFile(at.at(TUESDAY), "x", { append: true }),
    says: [[TUESDAY, /a line without its end/]],
  },
  "a changed header": {
    do: (at) => at.lines(TUESDAY, (lines) => lines[0] = lines[0]?.replace("bid", "Bid") ?? ""),
    says: [[TUESDAY, /the first line is not the header/]],
  },
  "lines that end as on Windows": {
    do: (at) => at.text(TUESDAY, (text) => text.replaceAll("\n", "\r\n")),
    says: [[TUESDAY, /the first line is not the header/]],
  },
  "a missing file": {
    do: (at) => at.remove(TUESDAY),
    says: [[TUESDAY, /the file is missing: .*2025-12-23T000000Z_EURUSD_TICK\.json names it/]],
    // Nobody has the ticks of that day any more.
    also: [TICK_FOLDER],
  },
  "a renamed file": {
    do: (at) => at.move(TUESDAY, `${TICK_FOLDER}/2025-12-19.csv`),
    says: [
      [TUESDAY, /the file is missing/],
      [`${TICK_FOLDER}/2025-12-19.csv`, /the manifest is missing/],
      [`${TICK_FOLDER}/2025-12-19.csv`, /row 1 belongs to 2025-12-23/],
    ],
    also: [TICK_FOLDER],
  },
  "two days whose files were exchanged": {
    do: async (at) => {
      await at.move(MONDAY, "kept");
      await at.move(TUESDAY, MONDAY);
      await at.move("kept", TUESDAY);
    },
    says: [[MONDAY, /belongs to 2025-12-23/], [TUESDAY, /belongs to 2025-12-22/]],
    also: [COPY, TICK_FOLDER],
  },
  "a file in whose place there is a folder": {
    do: async (at) => {
      await at.remove(TUESDAY);
      await Deno.mkdir(at.at(`${TUESDAY}/in/it`), { recursive: true });
    },
    says: [[TUESDAY, /the file is missing/]],
    also: [TICK_FOLDER],
  },
  "a file that is a link to nothing": {
    do: async (at) => {
      await at.remove(TUESDAY);
      await Deno.symlink("/nowhere/at/all", at.at(TUESDAY));
    },
    says: [[TUESDAY, /it cannot be read: /]],
  },
  "a manifest that is missing in the middle of the chain": {
    do: (at) => at.remove(TUESDAY_MANIFEST),
    says: [
      [TUESDAY_MANIFEST, /it is missing in the chain: .*TICK__1\.json comes after it/],
      [TUESDAY, /the manifest is missing/],
    ],
  },
  "the first manifest missing": {
    do: (at) => at.remove(MONDAY_MANIFEST),
    says: [
      [MONDAY_MANIFEST, /it is missing in the chain/],
      [MONDAY, /the manifest is missing/],
    ],
    also: [COPY],
  },
  "the last manifest missing": {
    do: (at) => at.remove(LAST_MANIFEST),
    says: [
      [LAST_MANIFEST, /missing in the chain: metadata\/chains\/EURUSD_TICK\.json comes after it/],
      [MONDAY_ADDED, /the manifest is missing/],
    ],
    also: [AUDIT, `parquet/${MONDAY_ADDED.replace(".csv", ".parquet")}`],
  },
  "the last manifest and its file missing": {
    do: async (at) => {
      await at.remove(LAST_MANIFEST);
      await at.remove(MONDAY_ADDED);
      await at.remove(`parquet/${MONDAY_ADDED.replace(".csv", ".parquet")}`);
    },
    says: [[LAST_MANIFEST, /it is missing in the chain/]],
    also: [AUDIT],
  },
  "a manifest that forks the chain": {
    do: async (at) => {
      const fork = `${LOGS}/2025-12-23T000000Z_EURUSD_TICK__1.json`;
      await at.copy(TUESDAY_MANIFEST, fork);
      await at.copy(TUESDAY, `${TICK_FOLDER}/2025-12-23__1.csv`);
      await at.json(fork, (value) => {
        value.cycle_id = "2025-12-23T000000Z_EURUSD_TICK__1";
        value.files[0].path = `${TICK_FOLDER}/2025-12-23__1.csv`;
      });
    },
    says: [
      [`${LOGS}/2025-12-23T000000Z_EURUSD_TICK__1.json`, /it forks the chain: /],
      [TUESDAY, /48 of its ids are there twice/],
    ],
  },
  "a manifest outside of the chain": {
    do: async (at) => {
      const stray = `${LOGS}/2025-12-19T000000Z_EURUSD_TICK.json`;
      await at.copy(MONDAY_MANIFEST, stray);
      await at.json(stray, (value) => value.cycle_id = "2025-12-19T000000Z_EURUSD_TICK");
    },
    says: [[`${LOGS}/2025-12-19T000000Z_EURUSD_TICK.json`, /it is outside of the chain/]],
  },
  "a head that was set back": {
    do: (at) =>
      at.json(HEAD, (value) => {
        Object.assign(value, value.previous);
        value.length--;
      }),
    says: [[LAST_MANIFEST, /it forks the chain|it is outside of the chain/]],
  },
  "a missing head": {
    do: (at) => at.remove(HEAD),
    says: [[HEAD, /the head of a chain of 3 manifests is missing/]],
  },
  "a head that is none": {
    do: (at) => Deno.writeTextFile(at.at(HEAD), "{"),
    says: [[HEAD, /cannot be read as the head of a chain/]],
  },
  "a manifest of another symbol": {
    do: (at) => at.json(TUESDAY_MANIFEST, (value) => value.symbol = "GBPUSD"),
    says: [[TUESDAY_MANIFEST, /it is of the symbol GBPUSD/], [TUESDAY_MANIFEST, /it was changed/]],
  },
  "a manifest under another's name": {
    do: async (at) => {
      await at.copy(MONDAY_MANIFEST, TUESDAY_MANIFEST);
    },
    says: [
      [TUESDAY_MANIFEST, /it calls itself 2025-12-22T000000Z_EURUSD_TICK/],
      [TUESDAY, /the manifest is missing/],
    ],
    also: [MONDAY, MONDAY_MANIFEST, COPY],
  },
  "a manifest that is no JSON": {
    do: (at) => at.bytes(TUESDAY_MANIFEST, (bytes) => bytes.slice(0, 100)),
    says: [
      [TUESDAY_MANIFEST, /it cannot be read/],
      [TUESDAY, /the manifest is missing/],
    ],
  },
  "a manifest whose late ticks were made up": {
    do: (at) => at.json(TUESDAY_MANIFEST, (value) => value.late_ticks = 3),
    says: [[TUESDAY, /late ticks 0, in the manifest 3/], [TUESDAY_MANIFEST, /it was changed/]],
  },
  "an open file of a day that is long sealed": {
    do: (at) => at.copy(TUESDAY, `${TUESDAY}.open`),
    says: [[`${TUESDAY}.open`, /2025-12-23 is sealed as 2025-12-23\.csv/]],
    severity: "leftover",
  },
  "an open file with a row that cannot be read": {
    do: (at) => at.lines(`${TICK_FOLDER}/2025-12-24.csv.open`, (lines) => lines[3] = "nonsense"),
    says: [[`${TICK_FOLDER}/2025-12-24.csv.open`, /row 3 cannot be read/]],
  },
  "hours without a tick in an open market": {
    do: async (at) => {
      await at.lines(TUESDAY, (lines) => lines.splice(20, 8));
    },
    says: [
      [TUESDAY, /^rows 40/],
      [
        TICK_FOLDER,
        /no tick from 2025-12-23 09:01 to 2025-12-23 13:30 \(4\.5 h\), while FX was open/,
      ],
    ],
  },
  "a Parquet copy that was changed": {
    do: (at) => at.bytes(COPY, (bytes) => bytes.with(60, (bytes[60] ?? 0) ^ 1)),
    says: [[COPY, /./]],
  },
  "a Parquet copy of an older file": {
    do: (at) => at.copy(COPY, `parquet/${MONDAY_ADDED.replace(".csv", ".parquet")}`),
    says: [[`parquet/${MONDAY_ADDED.replace(".csv", ".parquet")}`, /row|sha256/]],
  },
  "a Parquet copy that was cut": {
    do: (at) => Deno.truncate(at.at(BAR_COPY), 100),
    says: [[BAR_COPY, /cannot be read/]],
  },
  "a Parquet copy without its CSV file": {
    do: (at) => at.move(COPY, `parquet/${TICK_FOLDER}/2025-12-20.parquet`),
    says: [[
      `parquet/${TICK_FOLDER}/2025-12-20.parquet`,
      /the copy of a CSV file that is not there/,
    ]],
    severity: "leftover",
  },
  "a changed bar": {
    do: (at) => at.lines(TUESDAY_BARS, (lines) => lines[3] = lines[3]?.replace("1.3", "1.4") ?? ""),
    says: [[TUESDAY_BARS, /^sha256 /]],
    also: [BAR_COPY],
  },
  "a bar off its grid": {
    do: (at) =>
      at.lines(TUESDAY_BARS, (lines) => {
        const [utc, server, ...prices] = lines[3]?.split(",") ?? [];
        lines[3] = [Number(utc) + 60, Number(server) + 60, ...prices].join(",");
      }),
    says: [[TUESDAY_BARS, /bar 3 at .* is off the grid/]],
    also: [BAR_COPY, BAR_FOLDER],
  },
  "a bar of another day": {
    do: (at) =>
      at.lines(TUESDAY_BARS, (lines) => {
        const [utc, server, ...prices] = lines[1]?.split(",") ?? [];
        lines[1] = [Number(utc) - 86_400, Number(server) - 86_400, ...prices].join(",");
      }),
    says: [[TUESDAY_BARS, /bar 1 at .* is not of 2025-12-23/]],
    also: [BAR_COPY, BAR_FOLDER],
  },
  "a bar whose high is below its low": {
    do: (at) => at.lines(TUESDAY_BARS, (lines) => lines[3] = lines[3]?.replace("1.3", "0.3") ?? ""),
    says: [[TUESDAY_BARS, /it cannot be read: .*high/]],
    also: [BAR_COPY, BAR_FOLDER],
  },
  "a missing bar that no record names": {
    do: (at) => at.lines(TUESDAY_BARS, (lines) => lines.splice(4, 1)),
    says: [
      [TUESDAY_BARS, /^rows 23, in the record 24/],
      [BAR_FOLDER, /the bar of 2025-12-23 03:00 is missing by the calendar FX/],
    ],
    also: [BAR_COPY],
  },
  "a version that another supersedes missing": {
    do: (at) => at.remove(MONDAY_BARS),
    says: [
      [MONDAY_BARS, /the file is missing: a record names it/],
      [MONDAY_BARS_AGAIN, /part 0 of 2025-12-22, before it, is missing/],
    ],
  },
  "the newest version of bars missing": {
    do: (at) => at.remove(MONDAY_BARS_AGAIN),
    says: [[MONDAY_BARS_AGAIN, /the file is missing/]],
  },
  "a record of bars missing": {
    do: (at) => at.remove(SECOND_CYCLE),
    says: [
      [SECOND_CYCLE, /it is missing in the chain/],
      [MONDAY_BARS_AGAIN, /no record of a cycle names it/],
    ],
    // Its proof lies behind the break.
    also: [BAR_COPY],
  },
  "a record of bars whose gap was taken out": {
    do: (at) => at.json(SECOND_CYCLE, (value) => value.gaps = []),
    says: [[SECOND_CYCLE, /it was changed/]],
    also: [BAR_COPY],
  },
  "an audit of another file than the one that is there": {
    do: (at) => at.json(AUDIT, (value) => value.files[0].sha256 = "0".repeat(64)),
    says: [[AUDIT, /it compared another .*2025-12-22\.csv than its manifest tells of/]],
  },
  "an audit that wrote what nobody knows": {
    do: (at) => at.json(AUDIT, (value) => value.written.path = `${TICK_FOLDER}/2025-12-22__7.csv`),
    says: [[AUDIT, /it wrote .*__7\.csv, and no manifest tells of that file/]],
  },
  "an audit that is none": {
    do: (at) => Deno.writeTextFile(at.at(AUDIT), "[]"),
    says: [[AUDIT, /it cannot be read/]],
  },
  "an audit whose counts were changed": {
    do: (at) => at.json(AUDIT, (audit) => audit.captured -= 5),
    says: [[AUDIT, /its counts are not those/]],
  },
  "a tick log that is none": {
    do: (at) => at.bytes("log/ticks.sqlite", (bytes) => bytes.fill(7)),
    says: [["log/ticks.sqlite", /it is no SQLite database/]],
  },
  "a tick log that was emptied": {
    do: (at) => Deno.truncate(at.at("log/ticks.sqlite")),
    says: [["log/ticks.sqlite", /it is no SQLite database/]],
  },
  "a tick log that was cut": {
    do: (at) => at.bytes("log/ticks.sqlite", (bytes) => bytes.subarray(0, 5000)),
    says: [["log/ticks.sqlite", /^bytes 5000, and its header counts/]],
  },
  "a file that no program writes": {
    do: (at) => Deno.writeTextFile(at.at(`${TICK_FOLDER}/notes.txt`), "mine"),
    says: [[`${TICK_FOLDER}/notes.txt`, /no program writes such a file/]],
    severity: "leftover",
  },
  "a file that was left unfinished": {
    do: async (at) => {
      await Deno.writeTextFile(at.at(`${LOGS}/x.json.tmp`), "{");
      await Deno.utime(at.at(`${LOGS}/x.json.tmp`), 1_000_000, 1_000_000);
    },
    says: [[`${LOGS}/x.json.tmp`, /a program left it unfinished/]],
    severity: "leftover",
  },
  "a day that is none": {
    do: (at) => at.copy(TUESDAY, `${TICK_FOLDER}/2025-13-41.csv`),
    says: [[`${TICK_FOLDER}/2025-13-41.csv`, /its name is of no day/]],
    severity: "leftover",
  },
  "garbage in the folder's note": {
    do: (at) => Deno.writeTextFile(at.at("metadata/folder.json"), '{"kind":"real"}'),
    says: [["metadata/folder.json", /it cannot be read/]],
  },
  "a missing note of the folder": {
    do: (at) => at.remove("metadata/folder.json"),
    says: [["metadata/folder.json", /is missing/]],
  },
  "garbage among the noted holes": {
    do: (at) => Deno.writeTextFile(at.at("metadata/gaps.jsonl"), "{}\nnonsense\n{}\n"),
    says: [["metadata/gaps.jsonl", /line 2 cannot be read/]],
  },
};

Deno.test("verify names", async (test) => {
  await using proven = await tempFolder();
  await writeProvenFolder(proven.path);
  for (const [what, damage] of Object.entries(DAMAGES)) {
    // Not everybody may make links there.
    if (Deno.build.os === "windows" && what.includes("a link")) continue;
    await test.step(what, async () => {
      await using folder = await tempFolder();
      await copyFolder(proven.path, folder.path);
      await damage.do(new Folder(folder.path));
      const { differences } = await verified(folder.path, { silenceMs: HOUR_MS });
      const told = differences.filter(({ severity }) => severity !== "note");
      const shown = JSON.stringify(told, null, 1);
      for (const [path, words] of damage.says) {
        assert.ok(told.some((one) => one.path === path && words.test(one.what)), shown);
      }
      const concerned = new Set([...damage.says.map(([path]) => path), ...damage.also ?? []]);
      assert.deepEqual(told.filter(({ path }) => !concerned.has(path)), []);
      if (damage.severity !== undefined) {
        assert.ok(told.every(({ severity }) => severity === damage.severity), shown);
      }
    });
  }
});
