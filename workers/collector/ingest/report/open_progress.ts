import { terminal } from "../../../../lib/program/status_panel.ts";
import type { Progress } from "./progress.ts";
import { ProgressBar } from "./progress_bar.ts";
import { ProgressJson } from "./progress_json.ts";
import { ProgressLines } from "./progress_lines.ts";

/** On standard output: JSON lines when wanted, a bar on a terminal, else lines. */
export function openProgress({ json }: { json: boolean }): Progress {
  const say = (line: string) => console.log(line);
  if (json) return new ProgressJson(say);
  const screen = terminal();
  if (!screen.isTerminal) return new ProgressLines(say);
  return new ProgressBar({
    write: screen.write,
    // A person may draw the window wider or narrower.
    get width() {
      return terminal().width;
    },
  });
}
