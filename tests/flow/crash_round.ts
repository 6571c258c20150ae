import assert from "node:assert/strict";
import { dataFile, priceKey, readCaptured, readQuoteDay, tickFiles } from "./recorded.ts";
import { Rig, type Role, type Shape } from "./rig.ts";
import { until } from "../support/until.ts";
import { StreamFollower } from "./stream_follower.ts";

/**
 * One round: a recorded day is replayed by a source with the vendors' bad habits, a program (or
 * Redis) is killed on the way and started again, and at the end the files equal the source and a
 * client that resumed has every tick exactly once.
 */

export const RECORDING = "ticks/lean_oanda/tick/eurusd/20140506_quote.zip";
/** The day in about this many seconds. */
const REPLAY_SECONDS = 4;

/** Every step of append, commit and sealing at which a program can be made to end. */
export const FAIL_POINTS: readonly (readonly [Role, string])[] = [
  ...["append.before", "append.inside", "append.after"].map((step) => ["collector", step] as const),
  ...[
    "writer.append.before",
    "writer.append.half",
    "writer.append.after",
    "writer.sync.before",
    "writer.sync.after",
    "writer.commit.before",
    "writer.commit.after",
    "seal.sync.before",
    "seal.sync.after",
    "seal.link.before",
    "seal.link.after",
    "seal.manifest.before",
    "seal.manifest.after",
    "seal.folder.before",
    "seal.folder.after",
    "seal.unlink.before",
    "seal.unlink.after",
    "chain.next.before",
    "chain.next.after",
    "chain.head.before",
    "chain.head.after",
    "chain.publish.before",
    "chain.publish.after",
  ].map((step) => ["writer", step] as const),
];

export interface Round {
  readonly shape: Shape;
  readonly seed: number;
}

/** @throws AssertionError that names what is missing or twice, with the programs' output. */
export async function crashRound({ shape, seed }: Round): Promise<string> {
  const random = seededRandom(seed);
  await using rig = await Rig.open({
    shape,
    settings: {
      DATA_KIND: "replay",
      CAPTURE_FROM: "start",
      ONCE: "1",
      REPLAY_DISORDER: `${seed}`,
      GATEWAY_MAX_RECOVER_TICKS: "200000",
    },
    args: ["--replay", dataFile(RECORDING), "--speed", `${86_400 / REPLAY_SECONDS}`],
  });
  const plan = planOf(rig, random);
  for (const role of rig.roles) {
    const armed = plan.failPoint !== undefined && rig.roles.length > 1 && role === plan.victim
      ? { FAIL_POINT: plan.failPoint }
      : {};
    rig.start(role, armed);
  }
  using follower = new StreamFollower(`ws://127.0.0.1:${rig.ports.gateway}/ws`, "EURUSD");
  await carryOut(rig, plan);

  const closing: Role = shape === "embedded" ? "start" : "writer";
  const code = await within(
    rig.ended(closing),
    60_000,
    () => `${closing} does not end\n${rig.output}`,
  );
  assert.equal(code, 0, rig.output);
  const rows = tickFiles(rig.dataDir, "EURUSD").flatMap(readCaptured);
  const source = readQuoteDay(RECORDING, 0);
  assert.deepEqual(
    rows.map(priceKey).sort(),
    source.map(priceKey).sort(),
    `${plan.text}\n${rig.output}`,
  );
  assert.ok(
    tickFiles(rig.dataDir, "EURUSD").every((file) => file.endsWith(".csv")),
    "all is sealed",
  );
  const ids = rows.map(({ id }) => id);
  // In one process the gateway ends with the rest: what the client has by then is a beginning of all.
  if (shape !== "embedded") await until(() => follower.seen.size >= ids.length);
  assert.deepEqual(follower.complaints, [], plan.text);
  assert.ok([...follower.seen.values()].every((count) => count === 1), `no id twice: ${plan.text}`);
  assert.deepEqual(
    [...follower.seen.keys()],
    ids.slice(0, follower.seen.size),
    `in order: ${plan.text}`,
  );
  assert.ok(follower.seen.size > 0);
  return plan.text;
}

interface Plan {
  readonly victim: Role | "redis";
  readonly afterMs: number;
  readonly pauseMs: number;
  readonly failPoint: string | undefined;
  readonly text: string;
}

function planOf(rig: Rig, random: () => number): Plan {
  const victims: (Role | "redis")[] = rig.redis === undefined
    ? [...rig.roles]
    : [...rig.roles, "redis", "redis"];
  const afterMs = Math.round((0.2 + 0.6 * random()) * REPLAY_SECONDS * 1000);
  const pauseMs = Math.round(500 * random());
  const useFailPoint = rig.roles.length > 1 && random() < 0.4;
  const [role, step] = FAIL_POINTS[Math.floor(random() * FAIL_POINTS.length)] ?? ["writer", ""];
  const victim = useFailPoint ? role : victims[Math.floor(random() * victims.length)] ?? "writer";
  const count = step.startsWith("seal") ? 1 : 1 + Math.floor(random() * 12);
  const failPoint = useFailPoint ? `${step}:${count}` : undefined;
  const how = failPoint === undefined ? `SIGKILL after ${afterMs} ms` : `ends at ${failPoint}`;
  return {
    victim,
    afterMs,
    pauseMs,
    failPoint,
    text: `${victim} ${how}, back after ${pauseMs} ms`,
  };
}

async function carryOut(rig: Rig, { victim, afterMs, pauseMs, failPoint }: Plan): Promise<void> {
  if (victim === "redis") {
    await sleep(afterMs);
    await rig.redis?.kill();
    await sleep(pauseMs);
    await rig.redis?.restart();
    return;
  }
  if (failPoint !== undefined) {
    const code = await within(
      rig.ended(victim),
      60_000,
      () => `${victim} met no ${failPoint}\n${rig.output}`,
    );
    // A fail point that is not on this shape's way lets the program finish; that is no crash.
    if (code === 0) return;
  } else {
    await sleep(afterMs);
    await rig.kill(victim);
  }
  await sleep(pauseMs);
  rig.start(victim);
}

async function within<T>(work: Promise<T>, ms: number, message: () => string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message())), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Mulberry32: small, seeded, good enough to choose moments. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
