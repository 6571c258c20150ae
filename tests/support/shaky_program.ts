import { runProgram } from "../../lib/program/run.ts";
import { type Setting, text } from "../../lib/program/settings.ts";

/** A program that dies as often as a file says, then lives until it is drained. */
const deathsFile: Setting<string> = {
  name: "DEATHS_FILE",
  schema: text,
  fallback: "none",
  about: "Holds how often to die, and whether before being ready.",
};

runProgram({
  name: "shaky",
  settings: { deathsFile },
  async run({ settings, ready, signal }) {
    const { before, after } = JSON.parse(await Deno.readTextFile(settings.deathsFile));
    if (before > 0) throw new Error("no licence");
    ready({ url: "here" });
    if (after > 0) {
      await Deno.writeTextFile(settings.deathsFile, JSON.stringify({ before, after: after - 1 }));
      throw new Error(`death ${after}`);
    }
    await Deno.writeTextFile(`${settings.deathsFile}.lives`, "lives\n", { append: true });
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await Deno.writeTextFile(settings.deathsFile, '"drained"');
  },
});
