import assert from "node:assert/strict";
import { until } from "../../../support/until.ts";

const MODULE = new URL("../../../../workers/collector/ingest/stopping.ts", import.meta.url).href;
const PROGRAM = `
  import { onStopSignals } from ${JSON.stringify(MODULE)};
  onStopSignals({
    stop: () => console.log("stop"),
    end: () => { console.log("end"); Deno.exit(1); },
  });
  setInterval(() => {}, 1000);
  console.log("ready");
`;

Deno.test({
  name: "one Ctrl-C that comes twice is one, a later one ends at once",
  ignore: Deno.build.os === "windows",
  async fn() {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", PROGRAM],
      stdout: "piped",
    }).spawn();
    let text = "", isOver = false;
    const reading = (async () => {
      for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) text += piece;
      isOver = true;
    })();
    await until(() => text.includes("ready"));
    child.kill("SIGINT");
    child.kill("SIGTERM");
    await until(() => text.includes("stop"));
    await until(() => {
      if (!isOver) child.kill("SIGINT");
      return isOver;
    }, { intervalMs: 100 });
    await reading;
    assert.equal((await child.status).code, 1);
    assert.equal(text, "ready\nstop\nend\n");
  },
});
