import { z } from "zod";
import { dayOf } from "../../../lib/capture/day_path.ts";
import { symbolFolder } from "../../../lib/market/symbol.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { auditId, readAudit, type TickAudit } from "../audit/audit_record.ts";
import type { TickRecord } from "./chain_records.ts";
import type { Findings } from "./difference.ts";
import type { ChainIndex } from "./folder_index.ts";

const whose = z.looseObject({ symbol: z.string() });

/** Compares what audits say of the files that they read and wrote with the manifests of those. */
export async function checkAudits(
  dataDir: string,
  { index, records, findings }: {
    index: ChainIndex;
    records: readonly TickRecord[];
    findings: Findings;
  },
): Promise<void> {
  const sha256Of = new Map(
    records.flatMap(({ manifest }) => manifest.files.map((file) => [file.path, file.sha256])),
  );
  for (const path of index.audits) {
    try {
      for (const what of await problemsOf(dataDir, path, { chain: index.chain, sha256Of })) {
        findings.damage(path, what);
      }
    } catch (cause) {
      findings.damage(path, `it cannot be read: ${messageOf(cause)}`);
    }
  }
}

/** Each tick that was compared is counted once. */
function sumsOf(audit: TickAudit): string[] {
  const { captured, missed, added_later: added, removed, rewritten } = audit;
  const vendor = captured + missed + added + rewritten, held = captured + removed + rewritten;
  const isSum = vendor === audit.vendor_ticks && held === audit.held_ticks;
  return isSum ? [] : ["its counts are not those of the ticks that it says it compared"];
}

async function problemsOf(
  dataDir: string,
  path: string,
  { chain, sha256Of }: { chain: string; sha256Of: ReadonlyMap<string, string> },
): Promise<string[]> {
  const { symbol } = whose.parse(JSON.parse(await Deno.readTextFile(`${dataDir}/${path}`)));
  if (`${symbolFolder(symbol)}_TICK` !== chain) return [`it is of the symbol ${symbol}`];
  const id = path.slice(path.lastIndexOf("/") + 1, -".json".length);
  const day = dayOf(Date.parse(`${id.slice(0, "2025-12-22".length)}T00:00:00Z`));
  const audit = await readAudit(dataDir, symbol, day);
  if (audit === undefined) return [];
  const problems: string[] = [];
  if (audit.audit_id !== auditId(symbol, day)) problems.push(`it calls itself ${audit.audit_id}`);
  if (audit.outcome === "compared") problems.push(...sumsOf(audit));
  for (const { path: file, sha256 } of audit.files) {
    const proven = sha256Of.get(file);
    if (sha256 !== null && proven !== undefined && sha256 !== proven) {
      problems.push(`it compared another ${file} than its manifest tells of`);
    }
  }
  const { written } = audit;
  if (written !== null && sha256Of.get(written.path) !== written.sha256) {
    problems.push(`it wrote ${written.path}, and no manifest tells of that file`);
  }
  return problems;
}
