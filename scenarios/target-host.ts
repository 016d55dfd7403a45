import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { within } from '../clients/waiting.ts';
import { askChild, ChildEnded, forkModule } from './ask-child.ts';
import {
  childEnvironment,
  EmbeddedTargetFailed,
  preferToBrowsers,
  START_MS_MAX,
  wordsOf,
  type EmbeddedTarget,
  type EmbeddedTargetOptions,
} from './embedded-target.ts';

const HOST = new URL('../reference/host.ts', import.meta.url);

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
    const said = askChild<Answer>(child, order).catch((error: unknown): Answer => {
      if (error instanceof ChildEnded) return { failed: error.message };
      throw error;
    });
    return await within(said, START_MS_MAX, () => {
      throw new EmbeddedTargetFailed(`the embedded target did not answer in ${START_MS_MAX} ms`);
    });
  }

  #running(): ChildProcess {
    if (this.#child?.connected === true) return this.#child;
    const child = forkModule(HOST, childEnvironment(process.env));
    preferToBrowsers(child);
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
