import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parseTimeframe, TIMEFRAME_LABELS } from "../../lib/market/timeframe.ts";
import { pythonWithNumpy } from "../support/python.ts";

const python = pythonWithNumpy();
const ignore = python === undefined;

/** The ways to write one that `timeframe.ts` reads beside its labels. */
const ALIASES = [
  ...["1m", "5m", "15m", "30m", "60m", "1h", "4h", "1d", "1w", "1mo"],
  ...["1min", "5min", "15min", "30min", "1MN", "1mn"],
];

/** A driver's table: the vendor's code by label. */
function tableOf(module: "mt5_bars" | "forexconnect_answers"): Map<string, string | number> {
  const path = (folder: string) => fileURLToPath(new URL(folder, import.meta.url));
  const folders = ["../../bridge", "../../bridge/terminals", "../support/vendors"].map(path);
  const { stdout, stderr, success } = new Deno.Command(python ?? "", {
    args: [
      "-c",
      `import json, sys; sys.dont_write_bytecode = True; sys.path += json.loads(sys.argv[1])
import ${module}; print(json.dumps({label: row[0] for label, row in ${module}.TIMEFRAMES.items()}))`,
      JSON.stringify(folders),
    ],
  }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new Map(Object.entries(JSON.parse(new TextDecoder().decode(stdout))));
}

for (const [driver, module] of [["mt5", "mt5_bars"], ["fxcm", "forexconnect_answers"]] as const) {
  Deno.test({
    name:
      `the driver of ${driver} knows every timeframe, however it is written, by the vendor's code`,
    ignore,
    fn() {
      const table = tableOf(module);
      for (const label of [...TIMEFRAME_LABELS, ...ALIASES]) {
        const expected = parseTimeframe(label)?.[driver];
        assert.ok(expected !== undefined, label);
        assert.equal(table.get(label), expected, label);
      }
    },
  });
}
