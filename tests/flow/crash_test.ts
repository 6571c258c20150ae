import { redisIsInstalled } from "../support/redis_server.ts";
import { crashRound, RECORDING } from "./crash_round.ts";
import { isThere } from "./recorded.ts";
import { SHAPES } from "./rig.ts";

/** A sample; `deno task prove` does many more, at random moments, and prints its seeds. */
const ROUNDS = 6;

for (const shape of SHAPES) {
  Deno.test({
    name: `${shape}: a program killed in the middle of a replay loses nothing and repeats nothing`,
    ignore: !isThere(RECORDING) || (shape.startsWith("redis") && !redisIsInstalled()),
    async fn(test) {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        await test.step(`seed ${seed}`, async () => {
          await crashRound({ shape, seed });
        });
      }
    },
  });
}
