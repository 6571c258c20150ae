/**
 * The import law as a lint rule: `bridge/` and `workers/<name>/` import `lib/` and their own files;
 * nobody imports a worker; `lib/` imports neither; only tests import anything.
 */

/** The part of the tree a file belongs to: `lib`, `bridge`, `workers/<name>`, `workers` or `tests`. */
export function partOf(path: string): string | undefined {
  const match = /(?:^|\/)(?:(lib|bridge|tests)\/|workers\/(?:([^/]+)\/)?[^/]*$|workers\/([^/]+)\/)/
    .exec(path);
  if (match === null) return undefined;
  if (match[1] !== undefined) return match[1];
  const worker = match[2] ?? match[3];
  return worker === undefined ? "workers" : `workers/${worker}`;
}

/** What is wrong with `from` importing `to` (paths from the root), or undefined. */
export function breachOf(from: string, to: string): string | undefined {
  const importer = partOf(from), imported = partOf(to);
  if (importer === undefined || importer === "tests" || imported === undefined) return undefined;
  if (imported === importer || imported === "lib") return undefined;
  return `Cannot import ${to} from ${from}: ${importer} may import only lib and its own files`;
}

/** The path that a relative specifier means, from the root of the tree. */
export function resolve(from: string, specifier: string): string {
  const path = new URL(specifier, `file:///${from}`).pathname.slice(1);
  return decodeURIComponent(path);
}

const root = new URL("../../", import.meta.url).pathname;

const plugin: Deno.lint.Plugin = {
  name: "arbitrex",
  rules: {
    "import-law": {
      create(context) {
        const from = context.filename.replaceAll("\\", "/").replace(root, "");
        const look = (node: { source: { value: unknown } | null }) => {
          const specifier = node.source?.value;
          if (typeof specifier !== "string" || !specifier.startsWith(".")) return;
          const message = breachOf(from, resolve(from, specifier));
          if (message !== undefined) context.report({ node: node as Deno.lint.Node, message });
        };
        return {
          ImportDeclaration: look,
          ExportNamedDeclaration: look,
          ExportAllDeclaration: look,
          ImportExpression(node) {
            if (node.source.type === "Literal") look({ ...node, source: node.source });
          },
        };
      },
    },
  },
};

export default plugin;
