/**
 * Makes `bundle.json`, everything the page consists of: run it after each change of the page with
 * `deno run -A workers/gateway/page/build.ts`. A test fails while the bundle is older than its sources.
 */

export interface BundledAsset {
  readonly type: string;
  readonly body: string;
}

const FOLDER = import.meta.dirname ?? ".";

/** The assets by the path that serves each. Needs `deno` and, the first time, npm for esbuild. */
export async function bundlePage(): Promise<Record<string, BundledAsset>> {
  return {
    "/": { type: "text/html; charset=utf-8", body: await readSource("page.html") },
    "/page.js": { type: "text/javascript; charset=utf-8", body: await bundleScript() },
    "/page.css": { type: "text/css; charset=utf-8", body: await readSource("page.css") },
    "/favicon.svg": { type: "image/svg+xml", body: await readSource("favicon.svg") },
  };
}

/** As `bundle.json` holds it; `deno fmt` leaves it so. */
export function formatBundle(assets: Record<string, BundledAsset>): string {
  return `${JSON.stringify(assets, null, 2)}\n`;
}

async function bundleScript(): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--minify", `${FOLDER}/page.ts`],
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (code !== 0) {
    throw new Error(`Cannot bundle page.ts: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}

/** A checkout on Windows may have turned line ends: the bundle is the same everywhere. */
async function readSource(name: string): Promise<string> {
  return (await Deno.readTextFile(`${FOLDER}/${name}`)).replaceAll("\r\n", "\n");
}

if (import.meta.main) {
  await Deno.writeTextFile(`${FOLDER}/bundle.json`, formatBundle(await bundlePage()));
}
