import assert from "node:assert/strict";
import { StatusPanel } from "../../../lib/program/status_panel.ts";

function panel(isTerminal: boolean): { panel: StatusPanel; written: string[] } {
  const written: string[] = [];
  const options = {
    write: (text: string) => void written.push(text),
    isTerminal,
    width: 40,
    repeatMs: 60_000,
  };
  return { panel: new StatusPanel(options), written };
}

Deno.test("on a terminal the lines are redrawn in place and cut to its width", () => {
  const { panel: status, written } = panel(true);
  status.set("collector", { level: "healthy", status: "x".repeat(100) });
  status.draw();
  status.draw();
  assert.equal(written[0]?.length, 40);
  assert.match(written[0] ?? "", /^ {2}ok {2}collector {2}x+\n$/);
  assert.equal(written[1], "\x1b[1A\x1b[J");
  status.print("a log line");
  assert.equal(written.at(-2), "a log line\n");
});

Deno.test("elsewhere lines are printed when a level changes, not every second", () => {
  const { panel: status, written } = panel(false);
  status.set("writer", { level: "healthy", status: "41 symbols" });
  for (let second = 0; second < 5; second++) status.draw();
  assert.equal(written.length, 1);
  status.set("writer", { level: "critical", status: "the disk is full" });
  status.draw();
  assert.deepEqual(written[1], "  !!  writer     the disk is full\n");
});
