/** Runs steps one after another, in the order they were asked for, whatever becomes of each. */
export class InTurn {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(step, step);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Resolves when every step asked for so far is over. */
  async over(): Promise<void> {
    await this.#last;
  }
}
