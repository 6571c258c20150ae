import assert from "node:assert/strict";
import { DAY_MS, manifestPath } from "../../../../lib/capture/day_path.ts";

import {
  auditId,
  readAudit,
  type TickAudit,
} from "../../../../workers/writer/audit/audit_record.ts";
import { judgeAudits } from "../../../../workers/writer/audit/judge_audits.ts";
import { NightlyAudit, type NightlyOptions } from "../../../../workers/writer/audit/nightly.ts";
import { Vendors } from "../../../../workers/writer/audit/vendors.ts";
import { startBridge } from "../../../support/bridge_server.ts";
import { HistorySource } from "../../../support/history_source.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { until } from "../../../support/until.ts";
import {
  at,
  captureDay,
  DAY,
  DAY_FROM_MS,
  FOLDER,
  LATER_MS,
  NAME,
  OFFSET_MS,
  stamped,
} from "../../../lib/capture/additions/day_rig.ts";

const TICKS = Array.from({ length: 40 }, (_, index) => at(index * 1000));
const HALF_PAST_TWO_MS = 2.5 * 3_600_000;

/** A night in which a test is the clock. */
async function night(
  act: (rig: {
    source: HistorySource;
    dataDir: string;
    told: TickAudit[];
    health: (readonly TickAudit[])[];
    failures: unknown[];
    clock: { nowMs: number };
  }) => Promise<void>,
  overrides: Partial<NightlyOptions> = {},
) {
  await using folder = await tempFolder();
  const source = new HistorySource({
    clock: { zone: "UTC", shiftMs: OFFSET_MS },
    nowServerMs: LATER_MS,
  });
  source.history = TICKS;
  await captureDay(folder.path, stamped(TICKS.slice(1)));
  await using bridge = await startBridge(source);
  const address = { host: "127.0.0.1", port: bridge.port, token: undefined };
  const told: TickAudit[] = [], health: (readonly TickAudit[])[] = [], failures: unknown[] = [];
  const clock = { nowMs: DAY_FROM_MS + DAY_MS + HALF_PAST_TWO_MS - 1 };
  const dataDir = folder.path;
  await using _ = new NightlyAudit({
    ...{ dataDir, kind: "raw", auditAt: undefined, symbols: () => ["EURUSD"] },
    log: {
      checkpoint: () => Promise.resolve(undefined),
      committed: () => Promise.resolve(new Map()),
    },
    vendors: (signal) =>
      Promise.resolve(new Vendors({ bridge: address, dataDir, brokerTz: undefined, signal })),
    events: {
      audited: (audit) => void told.push(audit),
      auditFailed: (cause) => void failures.push(cause),
    },
    health: { audited: (audits) => void health.push(audits) },
    ...{ nowMs: () => clock.nowMs, lookEveryMs: 5, retryMs: 10 },
    ...overrides,
  });
  await act({ source, dataDir, told, health, failures, clock });
}

Deno.test("yesterday is audited once, when its time has come, healed, and told to health", async () => {
  const sealed: string[] = [];
  await night(async ({ told, health, clock, dataDir }) => {
    await until(() => health.length > 2);
    assert.equal(told.length, 0);
    clock.nowMs += 1;
    await until(() => health.at(-1)?.length === 1);
    const after = health.length;
    await until(() => health.length > after + 3);
    assert.deepEqual(told.map(({ added_later, written }) => [added_later, written?.rows]), [[
      1,
      1,
    ]]);
    assert.deepEqual(sealed, [`${FOLDER}/${NAME}__1.csv`]);
    assert.equal((await readAudit(dataDir, "EURUSD", DAY))?.status, "SUCCESS");
  }, { sealed: (path) => void sealed.push(path) });
});

Deno.test("what was not possible is tried again until it is", async () => {
  await night(async ({ source, told, clock }) => {
    source.answer = () => {
      throw new Error("terminal not connected");
    };
    clock.nowMs += 1;
    await until(() => source.readings >= 3);
    source.answer = undefined;
    await until(() => told.at(-1)?.outcome === "compared");
    // The same trouble is told once.
    assert.equal(told.length, 2);
    assert.match(told[0]?.reason ?? "", /terminal not connected/);
  });
});

Deno.test("symbols that another writer holds, invented data and AUDIT_AT=off are not audited", async () => {
  for (
    const other of [
      { symbols: () => ["GBPUSD"] },
      { kind: "simulated" },
      { auditAt: "off" },
    ] as const
  ) {
    await night(async ({ told, health, clock }) => {
      clock.nowMs += HALF_PAST_TWO_MS;
      const before = health.length;
      await until(() => health.length > before + 3);
      assert.equal(told.length, 0);
    }, other);
  }
});

Deno.test("AUDIT_AT sets the time, of invented data too", async () => {
  await night(async ({ told, clock }) => {
    clock.nowMs = DAY_FROM_MS + DAY_MS + 60_000 * 61;
    await until(() => told.length === 1);
  }, { auditAt: 60 * 60_000, kind: "simulated" });
});

Deno.test("a bridge setting that cannot be read is told and tried again", async () => {
  let asked = 0;
  await night(async ({ failures, clock }) => {
    clock.nowMs += 1;
    await until(() => asked > 2);
    assert.match(String(failures[0]), /BRIDGE_CA_FILE/);
    assert.equal(failures.length, 1);
  }, {
    vendors: () => {
      asked++;
      return Promise.reject(new TypeError("Cannot read BRIDGE_CA_FILE"));
    },
  });
});

Deno.test("health is degraded by what the vendor tells otherwise, and not by what was healed", async () => {
  await night(async ({ source, told, clock }) => {
    source.history = [...TICKS.slice(0, 5), ...TICKS.slice(6)];
    clock.nowMs += 1;
    await until(() => told.length === 1);
    const [audit] = told;
    assert.ok(audit !== undefined);
    const judged = judgeAudits(told);
    assert.equal(judged?.status, "degraded");
    assert.match(judged.message, /EURUSD: the vendor removed 1 and rewrote 0 ticks/);
    const healed = judgeAudits([{ ...audit, removed: 0 }]);
    assert.deepEqual(
      [healed?.status, healed?.message],
      ["healthy", `audit of ${NAME}: 1 of 1 symbols compared; EURUSD: 1 ticks added`],
    );
    const full = judgeAudits([{ ...audit, removed: 0, written: null, unwritten: 3 }]);
    assert.match(`${full?.status}: ${full?.message}`, /degraded: .*3 ticks could not be added/);
    const away = { ...audit, outcome: "not possible", reason: "no bridge" } as const;
    assert.equal(judgeAudits([away])?.status, "healthy");
    assert.equal(judgeAudits([]), undefined);
    // The newest night counts.
    const later = { ...audit, day: "2025-12-23", removed: 0 };
    assert.equal(judgeAudits([later, audit])?.status, "healthy");
  });
});

Deno.test("a bridge that is away is told once for all symbols, and leaves no record", async () => {
  const { signal } = new AbortController();
  const address = { host: "127.0.0.1", port: 1, token: undefined };
  let asked = 0;
  class Away extends Vendors {
    override check() {
      asked++;
      return super.check();
    }
  }
  await night(async ({ told, failures, clock, dataDir }) => {
    clock.nowMs += 1;
    await until(() => asked > 2);
    assert.deepEqual([told.length, failures.length], [0, 1]);
    assert.equal(await readAudit(dataDir, "EURUSD", DAY), undefined);
  }, {
    vendors: () =>
      Promise.resolve(new Away({ bridge: address, dataDir: "", brokerTz: undefined, signal })),
  });
});

Deno.test("a day that is sealed late is audited as soon as it is", async () => {
  await night(async ({ told, health, clock, dataDir }) => {
    const logs = `${dataDir}/metadata/ingestion_logs`;
    await Deno.rename(logs, `${logs}_away`);
    clock.nowMs += 1;
    const before = health.length;
    await until(() => health.length > before + 3);
    assert.deepEqual(told, []);
    await Deno.rename(`${logs}_away`, logs);
    await until(() => told.length === 1);
  }, { retryMs: 3_600_000 });
});

Deno.test("a record that cannot be read keeps nothing else from health", async () => {
  await night(async ({ health, failures, clock, dataDir }) => {
    const path = `${dataDir}/${manifestPath(auditId("EURUSD", DAY - 1))}`;
    await Deno.writeTextFile(path, "{");
    clock.nowMs += 1;
    await until(() => health.at(-1)?.length === 1);
    assert.deepEqual(failures, []);
  });
});
