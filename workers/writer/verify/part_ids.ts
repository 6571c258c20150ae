import { compareIds, type TickId } from "../../../lib/market/tick_id.ts";

/**
 * The ids of a day's added parts, gathered while its other parts are passed by: ids of a part ascend,
 * so two parts are compared by walking both once. 12 bytes an id, and the largest part, the captured
 * one, is never gathered.
 */
export class PartIds {
  readonly #parts: { readonly path: string; readonly ids: IdList; at: number }[] = [];

  /** Begins to pass by another part, from its first id on. */
  begin(): void {
    for (const part of this.#parts) part.at = 0;
  }

  /** The gathered part that has this id too; ids are asked for in ascending order. */
  holderOf(id: TickId): string | undefined {
    for (const part of this.#parts) {
      while (part.at < part.ids.count && part.ids.compare(part.at, id) < 0) part.at++;
      if (part.at < part.ids.count && part.ids.compare(part.at, id) === 0) return part.path;
    }
    return undefined;
  }

  gather(path: string, ids: IdList): void {
    this.#parts.push({ path, ids, at: 0 });
  }
}

const FIRST_ROOM = 1024;

/** Ids, packed. */
export class IdList {
  #ms = new Float64Array(FIRST_ROOM);
  #n = new Uint32Array(FIRST_ROOM);
  count = 0;

  push({ ms, n }: TickId): void {
    if (this.count === this.#ms.length) this.#grow();
    this.#ms[this.count] = ms;
    this.#n[this.count++] = n;
  }

  compare(index: number, id: TickId): number {
    return compareIds({ ms: this.#ms[index] ?? 0, n: this.#n[index] ?? 0 }, id);
  }

  #grow(): void {
    const ms = new Float64Array(this.#ms.length * 2), n = new Uint32Array(ms.length);
    ms.set(this.#ms);
    n.set(this.#n);
    this.#ms = ms;
    this.#n = n;
  }
}
