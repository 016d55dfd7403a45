import type { ChildProcess } from 'node:child_process';
import { askChild, ChildEnded, forkModule } from '../scenarios/ask-child.ts';
import type { SelftestCase } from './selftest-cases.ts';
import type { SelftestResult } from './selftest-trial.ts';
import type { WorkerAnswer } from './selftest-worker.ts';

const WORKER = new URL('./selftest-worker.ts', import.meta.url);

/** A case could not be run; it says nothing about the detector. */
export class CaseDefect extends Error {
  override readonly name = 'CaseDefect';
}

/**
 * Processes that run cases, one case at a time each: a trial that shares its event loop with others
 * would rightly call its own harness overloaded.
 */
export class SelftestWorkers {
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  #stopped = false;

  /**
   * Runs a case in a process that has nothing else to do, starting one where there is none.
   * @throws CaseDefect when the case ended in an error of the harness, or took its process with it, or came
   * after {@link stop}.
   */
  async run(one: SelftestCase): Promise<SelftestResult> {
    if (this.#stopped) throw new CaseDefect('no more cases are run');
    const worker = this.#idle.pop() ?? this.#start();
    const answer = await askChild<WorkerAnswer>(worker, one).catch((error: unknown): never => {
      throw error instanceof ChildEnded ? new CaseDefect(error.message) : error;
    });
    this.#idle.push(worker);
    if ('defect' in answer) throw new CaseDefect(answer.defect);
    return answer.result;
  }

  /** Ends all processes, for good; the embedded targets of trials under way end with them. */
  stop(): void {
    this.#stopped = true;
    for (const worker of this.#all) worker.kill('SIGTERM');
  }

  #start(): ChildProcess {
    const worker = forkModule(WORKER);
    this.#all.add(worker);
    worker.once('exit', () => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at !== -1) this.#idle.splice(at, 1);
    });
    return worker;
  }
}
