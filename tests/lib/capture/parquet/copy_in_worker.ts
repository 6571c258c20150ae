/** A Web Worker that copies the tick file it is told of; `copy_in_worker_test.ts` starts it. */
interface Scope {
  onmessage: (event: MessageEvent<{ dataDir: string; path: string }>) => void;
  postMessage(message: unknown): void;
}

// In a worker the global object is the worker's scope, which the types of a page do not know.
const scope = globalThis as unknown as Scope;

scope.onmessage = async ({ data: { dataDir, path } }) => {
  try {
    const { copyTickFile } = await import("../../../../lib/capture/parquet/copy.ts");
    scope.postMessage(await copyTickFile(dataDir, path));
  } catch (cause) {
    scope.postMessage(String(cause));
  }
};
