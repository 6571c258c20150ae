import type { SourceAccount } from "../bridge/feed.ts";
import { writeDurably } from "./durable_file.ts";

export interface AccountSnapshotOptions {
  /** `vendor:server`. */
  readonly source: string;
  readonly utcMs: number;
  /** Writes the account's number as it is, and not its hash. */
  readonly recordAccount: boolean;
}

/**
 * Writes what the vendor says of account and terminal now to `mt5/account_snapshot/<ts>.json`; the
 * folder is named like the vendor. Nothing is written for a vendor that says nothing.
 */
export async function writeAccountSnapshot(
  dataDir: string,
  account: SourceAccount,
  { source, utcMs, recordAccount }: AccountSnapshotOptions,
): Promise<void> {
  const { id, server, currency, fields, terminal } = account;
  if (fields === undefined || Object.keys(fields).length === 0) return;
  const vendor = source.split(":", 1)[0] ?? source;
  const folder = `${dataDir}/${vendor}/account_snapshot`;
  const stamp = new Date(utcMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
  await Deno.mkdir(folder, { recursive: true });
  const snapshot = {
    taken_at_utc: new Date(utcMs).toISOString(),
    source,
    account_id: await recordedAccountId(id, { source, recordAccount }),
    server,
    currency,
    account: fields,
    terminal: terminal ?? {},
  };
  await writeDurably(`${folder}/${stamp}.json`, `${JSON.stringify(snapshot, null, 2)}\n`);
}

/**
 * An account's number as files name it: as it is when that is wanted, else something that tells
 * accounts apart and names none, the first 16 hex digits of SHA-256.
 */
export async function recordedAccountId(
  id: string,
  { source, recordAccount }: Pick<AccountSnapshotOptions, "source" | "recordAccount">,
): Promise<string> {
  if (recordAccount) return id;
  const text = `${source}:${id}`;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex().slice(0, 16);
}
