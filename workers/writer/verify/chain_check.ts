import { z } from "zod";
import { type ChainLink, chainLinkSchema, sha256Of } from "../../../lib/capture/chain.ts";
import { readIfThere } from "../../../lib/capture/source_registry.ts";
import type { ChainRecord } from "./chain_records.ts";
import type { Findings } from "./difference.ts";
import type { ChainIndex } from "./folder_index.ts";

const headSchema = z.looseObject({
  ...chainLinkSchema.shape,
  previous: chainLinkSchema.nullable(),
  length: z.number().int(),
});
type Head = z.infer<typeof headSchema>;

/**
 * Follows a chain from its head to its first manifest: each must be there, be what the one after it
 * has the hash of, and none may stand beside the chain.
 */
export async function checkChain(
  dataDir: string,
  { chain, head: headPath, ready }: ChainIndex,
  { links, findings }: { links: readonly ChainRecord[]; findings: Findings },
): Promise<void> {
  const chained = links.filter(({ previous }) => previous !== undefined);
  const older = links.length - chained.length;
  const shownPath = headPath ?? `metadata/chains/${chain}.json`;
  if (older > 0) findings.note(shownPath, `${older} manifests are from before there were chains`);
  const head = headPath === undefined ? undefined : await readHead(dataDir, headPath, findings);
  if (headPath === undefined && chained.length > 0) {
    findings.damage(shownPath, `the head of a chain of ${chained.length} manifests is missing`);
  }
  if (chained.length === 0 && head === undefined) return;
  const walk = new Walk(chained, findings);
  walk.isWhole = head !== undefined;
  if (head !== undefined) {
    const next = ready.find((path) => path.endsWith(".next"));
    const isNext = next !== undefined && await hashOf(`${dataDir}/${next}`) === head.sha256;
    if (isNext && !chained.some(({ cycleId }) => cycleId === head.cycle_id)) {
      findings.note(next, "it is being published, or a program ended while it did that");
      walk.followed++;
      walk.from(head.previous, shownPath);
    } else {
      walk.from(head, shownPath);
    }
  }
  walk.rest();
  if (head !== undefined && walk.isWhole && walk.followed !== head.length) {
    findings.damage(
      shownPath,
      `it counts ${head.length} manifests, and there are ${walk.followed}`,
    );
  }
}

class Walk {
  followed = 0;
  isWhole = true;
  readonly #left: Map<string, ChainRecord>;
  readonly #findings: Findings;
  /** Who follows a manifest, by the id of that manifest. */
  readonly #followers = new Map<string, string>();

  constructor(chained: readonly ChainRecord[], findings: Findings) {
    this.#left = new Map(chained.map((record) => [record.cycleId, record]));
    this.#findings = findings;
  }

  /** Goes back from a link, which stands in the file `by`, as far as there are manifests. */
  from(link: ChainLink | null, by: string): void {
    while (link !== null) {
      const record = this.#left.get(link.cycle_id);
      if (record === undefined) {
        this.isWhole = false;
        const path = `metadata/ingestion_logs/${link.cycle_id}.json`;
        this.#findings.damage(path, `it is missing in the chain: ${by} comes after it`);
        return;
      }
      this.#left.delete(record.cycleId);
      this.#followers.set(record.cycleId, by);
      this.followed++;
      if (record.sha256 !== link.sha256) {
        this.isWhole = false;
        this.#findings.damage(record.path, `it was changed: ${by} has another sha256 of it`);
      }
      by = record.path;
      link = record.previous ?? null;
    }
  }

  /** What the head does not lead to: what lies before a break, and what was put beside the chain. */
  rest(): void {
    while (this.#left.size > 0) {
      const named = new Set([...this.#left.values()].map(({ previous }) => previous?.cycle_id));
      const ends = [...this.#left.values()].filter(({ cycleId }) => !named.has(cycleId));
      const fork = ends.find(({ previous }) =>
        previous !== null && previous !== undefined && this.#followers.has(previous.cycle_id)
      );
      const end = fork ?? (ends.length === 1 && !this.isWhole ? ends[0] : undefined);
      if (end === undefined || fork !== undefined) {
        const stray = fork ?? ends[0] ?? this.#left.values().next().value;
        if (stray === undefined) return;
        this.#left.delete(stray.cycleId);
        this.isWhole = false;
        const { previous } = stray, other = this.#followers.get(previous?.cycle_id ?? "");
        this.#findings.damage(
          stray.path,
          other === undefined
            ? "it is outside of the chain: nothing leads to it"
            : `it forks the chain: ${other} follows ${previous?.cycle_id} too`,
        );
        continue;
      }
      // The one before the break: where the chain goes on is known again.
      this.from({ cycle_id: end.cycleId, sha256: end.sha256 }, "the manifest that is missing");
    }
  }
}

async function readHead(
  dataDir: string,
  path: string,
  findings: Findings,
): Promise<Head | undefined> {
  try {
    return headSchema.parse(JSON.parse(await readIfThere(`${dataDir}/${path}`) ?? ""));
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof z.ZodError)) throw cause;
    findings.damage(path, "it cannot be read as the head of a chain");
    return undefined;
  }
}

async function hashOf(path: string): Promise<string | undefined> {
  try {
    return sha256Of(await Deno.readFile(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}
