import assert from "node:assert/strict";
import { readUniverse } from "../../../lib/capture/universe_file.ts";
import { startBridge } from "../../support/bridge_server.ts";
import { ScriptedSource } from "../../support/scripted_source.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const PROGRAM = new URL("../../../workers/collector/universe.ts", import.meta.url).href;
const VARIABLES = "BRIDGE_HOST,BRIDGE_PORT,BRIDGE_TOKEN,BRIDGE_CA_FILE,DATA_DIR,DATA_KIND";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command line in a process of its own, with no more permissions than the task has. */
async function universe(
  args: readonly string[],
  { writes, env = {} }: { writes: string; env?: Record<string, string> },
): Promise<Ran> {
  const permissions = ["--allow-read", `--allow-write=${writes}`, `--allow-env=${VARIABLES}`];
  const net = env.BRIDGE_PORT === undefined ? [] : [`--allow-net=127.0.0.1:${env.BRIDGE_PORT}`];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...permissions, ...net, PROGRAM, ...args],
    env: { NO_COLOR: "1", ...env },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

const symbolsOf = async (dataDir: string) =>
  (await readUniverse(dataDir))?.symbols.map(({ symbol, symbol_raw, market }) => [
    symbol,
    symbol_raw,
    market,
  ]);

Deno.test("universe --discover asks the running bridge and writes what it offers", async () => {
  await using folder = await tempFolder();
  const source = new ScriptedSource(() => undefined);
  source.described = [
    {
      symbol: "EURUSD",
      rawName: "EURUSDm",
      digits: 5,
      fields: { trade_mode: 4, trade_contract_size: 100_000, path: "Forex\\EURUSDm" },
    },
    { symbol: "EURUSD.r", rawName: "EURUSD.r", digits: 5, fields: { trade_mode: 4 } },
    { symbol: "US30", rawName: "US30m", digits: 1, fields: { path: "Indices\\US30m" } },
    { symbol: "AAPL", rawName: "#AAPL", digits: 2, fields: { path: "Stocks\\#AAPL" } },
  ];
  await using bridge = await startBridge(source);
  const dataDir = `${folder.path}/raw`;
  const env = { BRIDGE_PORT: String(bridge.port) };
  const run = (...args: string[]) =>
    universe(["--discover", "--data-dir", dataDir, ...args], { writes: folder.path, env });
  const { code, out, err } = await run();
  assert.equal(code, 0, err);
  assert.match(out, /scripted:test: 3 of 4 symbols/);
  assert.match(out, /fx +2 +2\nindex +1 +1\nstock +0 +0/);
  assert.match(out, /EURUSD\.r is EURUSD\.r, not EURUSD/);
  assert.match(out, /3 specifications are new/);
  assert.deepEqual(await symbolsOf(dataDir), [
    ["EURUSD", "EURUSDm", "fx"],
    ["EURUSD.r", "EURUSD.r", "fx"],
    ["US30", "US30m", "index"],
  ]);
  source.described = source.described.slice(0, 1)
    .map((spec) => ({ ...spec, fields: { ...spec.fields, trade_contract_size: 1000 } }));
  const again = await run("--json");
  const report = JSON.parse(again.out);
  assert.deepEqual(report.changed_specs, [
    { symbol: "EURUSD", changed: { trade_contract_size: { old: 100_000, new: 1000 } } },
  ]);
  assert.deepEqual(report.markets.fx, { symbols: 1, tradeable: 1 });
  const dry = await run("--all", "--dry-run", "--session", "scripted");
  assert.match(dry.out, /Nothing was written/);
});

Deno.test("universe --discover without a bridge says where it looked", async () => {
  await using folder = await tempFolder();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, err } = await universe(["--discover", "--data-dir", folder.path], {
    writes: folder.path,
    env: { BRIDGE_PORT: String(port) },
  });
  assert.equal(code, 3);
  assert.match(err, new RegExp(`Cannot reach the bridge at 127\\.0\\.0\\.1:${port}`));
});

Deno.test("universe --from reads what a broker's terminal exported, aliases included", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/raw`, list = `${folder.path}/symbols.json`;
  const aliases = `${folder.path}/aliases.json`;
  const exported = [{ name: "GOLD.r", digits: 2, trade_mode: 4 }, { name: "eurusd" }];
  // As a shell of Windows writes it.
  const utf16 = new Uint16Array(
    [..."\ufeff" + JSON.stringify(exported)].map((letter) => letter.charCodeAt(0)),
  );
  await Deno.writeFile(list, new Uint8Array(utf16.buffer));
  await Deno.writeTextFile(aliases, JSON.stringify({ GOLD: "XAUUSD" }));
  const run = (...args: string[]) =>
    universe(["--from", list, "--data-dir", dataDir, ...args], { writes: folder.path });
  const options = ["--aliases", aliases, "--suffix", "@b", "--source", "mt5:Broker"];
  const { code, err } = await run(...options);
  assert.equal(code, 0, err);
  assert.deepEqual(await symbolsOf(dataDir), [
    ["EURUSD@b", "eurusd", "fx"],
    ["XAUUSD@b", "GOLD.r", "fx"],
  ]);
  const registry = `${dataDir}/metadata/source_registry`;
  const snapshot = [...Deno.readDirSync(registry)].find(({ name }) => /^mt5_symbols_/.test(name));
  assert.ok(snapshot, "a raw snapshot");
  const fresh = `${folder.path}/fresh`;
  const again = await universe(
    ["--from", `${registry}/${snapshot.name}`, "--data-dir", fresh],
    { writes: folder.path },
  );
  assert.equal(again.code, 0, again.err);
  assert.deepEqual(await symbolsOf(fresh), await symbolsOf(dataDir));
});

Deno.test("unusable arguments, lists and folders are named, with code 2", async () => {
  await using folder = await tempFolder();
  const list = `${folder.path}/symbols.json`;
  await Deno.writeTextFile(list, JSON.stringify([{ name: "EURUSD", digits: "many" }]));
  const from = ["--from", list, "--data-dir", folder.path];
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /--discover: expected one of --discover and --from/],
    [["--from", list, "--discover"], /expected one of/],
    [[...from, "--market", "fx,crypto"], /Cannot read --market: .*"fx,crypto"/],
    [[...from, "--bogus"], /--bogus/],
    [from, /symbols\.json as a list.*digits of EURUSD .*"many"/],
    [["--from", `${folder.path}/none.json`, "--data-dir", folder.path], /none\.json as a list/],
    [["--from", list, "--data-dir", "/nowhere"], /digits of EURUSD/],
  ];
  const runs = await Promise.all(
    wrong.map(([args]) => universe(args, { writes: folder.path })),
  );
  for (const [index, { code, err }] of runs.entries()) {
    assert.match(err, wrong[index]?.[1] ?? /never/);
    assert.equal(code, 2, err);
  }
  await Deno.writeTextFile(list, JSON.stringify(["EURUSD"]));
  const none = await universe([...from, "--mask", "GBP*"], { writes: folder.path });
  assert.equal(none.code, 2);
  assert.match(none.err, /of 1 symbols none is left\n.*see\n--all, --market and --mask/);
  const elsewhere = await universe(["--from", list, "--data-dir", "/nowhere"], {
    writes: folder.path,
  });
  assert.equal(elsewhere.code, 2);
  assert.match(elsewhere.err, /--allow-write=<folder>/);
});
