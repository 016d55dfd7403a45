/**
 * Trials are recorded together, but judged while none is running: judging in one go stands in the way of
 * the event loop, and a harness that stands still is itself a finding.
 */
class Turns {
  #running = 0;
  #idle: (() => void)[] = [];
  #judging: Promise<void> = Promise.resolve();
  #waiting = 0;

  async together<T>(work: () => Promise<T>): Promise<T> {
    while (this.#waiting > 0) await this.#judging;
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  alone<T>(work: () => T): Promise<T> {
    this.#waiting += 1;
    const turn = this.#judging.then(async () => {
      if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
      return work();
    });
    this.#judging = turn.then(
      () => this.#left(),
      () => this.#left(),
    );
    return turn;
  }

  #left(): void {
    this.#waiting -= 1;
  }
}

/** The turns of the trials of one file of tests. */
export const turns = new Turns();
