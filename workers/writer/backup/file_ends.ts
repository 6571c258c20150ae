import { z } from "zod";
import { compareIds, NO_TICK, parseId, type TickId } from "../../../lib/market/tick_id.ts";
import { placeOf } from "../data_files.ts";
import type { BackupFile } from "./note.ts";
import type { ObjectStore } from "./object_store.ts";
import { wholeRows } from "./whole_rows.ts";

const manifestEnd = z.looseObject({ last_id: z.string() });

/** How far the copied tick files of each chain go. */
export class FileEnds {
  readonly #store: ObjectStore;
  /** The files of each chain's newest day, and its newest manifest. */
  readonly #newest = new Map<string, { day: string; files: BackupFile[]; manifest?: BackupFile }>();

  constructor(files: readonly BackupFile[], store: ObjectStore) {
    this.#store = store;
    for (const file of files) this.#look(file);
  }

  /** The last id that the files have or, where they went to an archive, by a manifest had. */
  async endOf(chain: string): Promise<TickId> {
    const { files, manifest } = this.#newest.get(chain) ?? { files: [] };
    let end = NO_TICK;
    for (const { sha256 } of files) {
      const { lastId } = await wholeRows(this.#store.pathOf(sha256)) ?? { lastId: NO_TICK };
      if (compareIds(lastId, end) > 0) end = lastId;
    }
    if (end !== NO_TICK || manifest === undefined) return end;
    const text = await Deno.readTextFile(this.#store.pathOf(manifest.sha256));
    return parseId(manifestEnd.parse(JSON.parse(text)).last_id);
  }

  #look(file: BackupFile): void {
    const place = placeOf(file.path);
    if (place.kind === "manifest" && place.chain.endsWith("_TICK")) {
      this.#of(place.chain).manifest = file;
    } else if (place.kind === "csv" && file.path.startsWith("ticks/")) {
      const newest = this.#of(place.chain);
      const day = file.path.slice(file.path.lastIndexOf("/") + 1).slice(0, "2025-12-22".length);
      if (day > newest.day) newest.files = [];
      if (day >= newest.day) newest.files.push(file);
      if (day > newest.day) newest.day = day;
    }
  }

  #of(chain: string): { day: string; files: BackupFile[]; manifest?: BackupFile } {
    const known = this.#newest.get(chain) ?? { day: "", files: [] };
    this.#newest.set(chain, known);
    return known;
  }
}
