import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SelftestCase } from './selftest-cases.ts';
import type { SelftestResult } from './selftest-trial.ts';
import type { WorkerAnswer } from './selftest-worker.ts';

const WORKER = fileURLToPath(new URL('./selftest-worker.ts', import.meta.url));

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

  /**
   * Runs a case in a process that has nothing else to do, starting one where there is none.
   * @throws CaseDefect when the case ended in an error of the harness, or took its process with it.
   */
  async run(one: SelftestCase): Promise<SelftestResult> {
    const worker = this.#idle.pop() ?? this.#start();
    const gone = new AbortController();
    try {
      const end = once(worker, 'exit', { signal: gone.signal }).then(([code]): WorkerAnswer => {
        throw new CaseDefect(`its process ended with ${String(code)}`);
      });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own worker's answer
      const said = once(worker, 'message', { signal: gone.signal }) as Promise<[WorkerAnswer]>;
      end.catch(() => undefined);
      said.catch(() => undefined);
      worker.send(one);
      const answer = await Promise.race([said.then(([value]) => value), end]);
      this.#idle.push(worker);
      if ('defect' in answer) throw new CaseDefect(answer.defect);
      return answer.result;
    } finally {
      gone.abort();
    }
  }

  /** Ends all processes; the embedded targets of trials under way end with them. */
  stop(): void {
    for (const worker of this.#all) worker.kill('SIGTERM');
  }

  #start(): ChildProcess {
    const worker = fork(WORKER, [], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#all.add(worker);
    worker.once('exit', () => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at !== -1) this.#idle.splice(at, 1);
    });
    return worker;
  }
}
