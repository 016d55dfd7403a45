import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from '../clients/waiting.ts';
import {
  childEnvironment,
  EmbeddedTargetFailed,
  START_MS_MAX,
  wordsOf,
  type EmbeddedTarget,
  type EmbeddedTargetOptions,
} from './embedded-target.ts';

const HOST = fileURLToPath(new URL('../reference/host.ts', import.meta.url));

/**
 * One child process that serves embedded targets one after another, each with a world of its own. For who
 * needs many of them: starting the process takes longer than serving a short trial.
 */
export class TargetHost {
  #child: ChildProcess | undefined;

  /**
   * Starts a target on a free port; one at a time.
   * @throws EmbeddedTargetFailed when it does not announce its address within 30 s.
   */
  async start(options: EmbeddedTargetOptions = {}): Promise<EmbeddedTarget> {
    const { truthPath = null } = options;
    if (truthPath !== null) mkdirSync(dirname(truthPath), { recursive: true });
    const words = wordsOf(options);
    const url = await this.#serve(words);
    return {
      url,
      stop: () => this.#stop(),
      restart: async () => {
        await this.#serve([...words, '--port', new URL(url).port]);
      },
    };
  }

  /** Serving another target ends the one before. */
  async #serve(words: readonly string[]): Promise<string> {
    const { url, failed } = await this.#ask({ serve: words });
    if (url !== undefined) return url;
    throw new EmbeddedTargetFailed(`the embedded target did not start: ${failed ?? 'no reason'}`);
  }

  /** Ends the process, and the target it serves with it. */
  end(): void {
    this.#child?.kill('SIGTERM');
    this.#child = undefined;
  }

  /** A target that does not go politely goes with its process; the next one gets a new process. */
  async #stop(): Promise<void> {
    try {
      await this.#ask({ stop: true });
    } catch {
      this.#child?.kill('SIGKILL');
      this.#child = undefined;
    }
  }

  async #ask(order: { serve: readonly string[] } | { stop: true }): Promise<Answer> {
    const child = this.#running();
    const over = new AbortController();
    const { signal } = over;
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own child's answer
      const said = (once(child, 'message', { signal }) as Promise<[Answer]>).then(
        ([answer]) => answer,
      );
      const gone = once(child, 'exit', { signal }).then((): Answer => ({
        failed: 'its process ended',
      }));
      for (const end of [said, gone]) end.catch(() => undefined);
      child.send(order);
      return await within(Promise.race([said, gone]), START_MS_MAX, () => {
        throw new EmbeddedTargetFailed(`the embedded target did not answer in ${START_MS_MAX} ms`);
      });
    } finally {
      over.abort();
    }
  }

  #running(): ChildProcess {
    if (this.#child?.connected === true) return this.#child;
    const child = fork(HOST, [], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      env: childEnvironment(process.env),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('error', () => undefined); // Its exit is what is waited for.
    this.#child = child;
    return child;
  }
}

/** Exactly one of them; a stopped target answers with neither. */
interface Answer {
  readonly url?: string;
  readonly failed?: string;
}
