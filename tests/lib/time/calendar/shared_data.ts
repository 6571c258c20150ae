/** Recorded data beside the repository; a test without its data is skipped and says so. */
const ROOT = `${import.meta.dirname}/../../../../../shared/data`;

export function sharedData(path: string): { path: string; ignore: boolean } {
  const whole = `${ROOT}/${path}`;
  try {
    Deno.statSync(whole);
    return { path: whole, ignore: false };
  } catch {
    console.log(`skipped: ${whole} is missing, see shared/data/README.md`);
    return { path: whole, ignore: true };
  }
}
