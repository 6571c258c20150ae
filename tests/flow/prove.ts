import { parseArgs } from "node:util";
import { crashRound } from "./crash_round.ts";
import { type Shape, SHAPES } from "./rig.ts";

/**
 * Kills everything at random moments: `deno task prove [--rounds 100] [--shape embedded] [--seed N]`.
 * Each line is a round with its seed; `--rounds 1 --seed N --shape S` does one again.
 */
const { values } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "100" },
    shape: { type: "string" },
    seed: { type: "string", default: `${Date.now() % 1_000_000_000}` },
  },
});
const shapes = values.shape === undefined
  ? SHAPES
  : SHAPES.filter((shape) => shape === values.shape);
if (shapes.length === 0) {
  throw new RangeError(`Cannot prove ${values.shape}: the shapes are ${SHAPES.join(", ")}`);
}
let passed = 0, failed = 0;
for (const shape of shapes) {
  for (let round = 0; round < Number(values.rounds); round++) {
    await prove(shape, Number(values.seed) + round);
  }
}
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);

async function prove(shape: Shape, seed: number): Promise<void> {
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
  try {
    const plan = await crashRound({ shape, seed });
    passed++;
    console.log(`ok      ${shape} seed ${seed} ${seconds()} s: ${plan}`);
  } catch (cause) {
    failed++;
    console.log(
      `FAILED  ${shape} seed ${seed} ${seconds()} s: ${
        cause instanceof Error ? cause.message.slice(0, 4000) : cause
      }`,
    );
  }
}
