import assert from "node:assert/strict";

const RUN = new URL("../../../lib/program/run.ts", import.meta.url).href;
const PROGRAM = `
import { onStopSignal } from ${JSON.stringify(RUN)};
onStopSignal(() => {
  console.log("stops");
  setTimeout(() => Deno.exit(0), 300);
});
console.log("runs");
setInterval(() => {}, 1000);
`;

Deno.test({
  name: "one Ctrl-C that arrives more than once stops once",
  ignore: Deno.build.os === "windows",
  async fn() {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", PROGRAM],
      stdout: "piped",
    }).spawn();
    let said = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said === "runs\n" || said === "runs\nstops\n") child.kill("SIGINT");
    }
    assert.equal((await child.status).code, 0);
    assert.equal(said, "runs\nstops\n");
  },
});
