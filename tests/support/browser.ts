import { type Browser, chromium } from "playwright-core";

/** A real Chromium, for tests of what people see. */

const CANDIDATES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where Chromium is: `CHROMIUM`, or the usual places; undefined when it is in none of them. */
export function findChromium(): string | undefined {
  const named = Deno.env.get("CHROMIUM");
  return [...(named === undefined ? [] : [named]), ...CANDIDATES].find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/**
 * Whether browser tests are to be ignored: without Chromium they are skipped, with a line that says
 * how to get it, unless REQUIRE_SERVERS=1, which lets them fail.
 */
export function withoutChromium(): boolean {
  if (findChromium() !== undefined || Deno.env.get("REQUIRE_SERVERS") === "1") return false;
  console.warn(
    "Skipping browser tests: no Chromium. Install it (apt install chromium) or set CHROMIUM.",
  );
  return true;
}

export async function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error("Cannot start Chromium: install it (apt install chromium) or set CHROMIUM");
  }
  return await chromium.launch({ executablePath, args: ARGS, headless: true });
}
