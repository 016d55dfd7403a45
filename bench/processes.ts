import { fork, type ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A child that did not do its job: it ended early, or was ended because it took too long. */
export class ChildFailed extends Error {
  override readonly name = 'ChildFailed';
}

export interface ChildOptions {
  /** Module that calls {@link serveJob}. */
  readonly entry: URL;
  readonly job: unknown;
  /** The child is killed when it has not answered after this. */
  readonly limitMs: number;
  readonly nodeOptions?: readonly string[];
  readonly profileDir?: string | undefined;
  /** Told the child's process id once it has started. */
  readonly started?: ((pid: number) => void) | undefined;
}

/** A child that answered and lives on until it is stopped. */
export interface LivingChild {
  readonly answer: unknown;
  stop(): Promise<void>;
}

const EXIT_MS_MAX = 10_000;

/** Starts a child, hands it a job, and waits for its one answer and its end. */
export async function runChild(options: ChildOptions): Promise<unknown> {
  const child = await startChild(options);
  await child.stop();
  return child.answer;
}

/** Starts a child, hands it a job, and waits for its one answer. */
export async function startChild(options: ChildOptions): Promise<LivingChild> {
  const { entry, job, limitMs, nodeOptions = [], profileDir, started } = options;
  const profiling = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const child = fork(fileURLToPath(entry), {
    execArgv: ['--import', import.meta.resolve('tsx'), ...nodeOptions, ...profiling],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  if (child.pid !== undefined) started?.(child.pid);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? code ?? 'nothing'}`));
    child.once('error', (error) => resolve(error.message));
  });
  const answered = new Promise<unknown>((resolve) => child.once('message', resolve));
  child.send({ job }, () => undefined);
  const outcome = await limited(
    Promise.race([answered.then((answer) => ({ answer })), ended]),
    limitMs,
  );
  if (typeof outcome === 'object') return { answer: outcome.answer, stop: () => end(child, ended) };
  child.kill('SIGKILL');
  throw new ChildFailed(
    `${basename(entry.pathname)}: ${outcome ?? `no answer after ${limitMs} ms`}`,
  );
}

/** The child ends when its channel closes; one that does not is killed. */
async function end(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.connected) child.disconnect();
  if ((await limited(ended, EXIT_MS_MAX)) === undefined) child.kill('SIGKILL');
}

async function limited<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The child's side: does the job that comes, answers with its result, and ends when the parent lets go
 * of it or dies.
 */
export function serveJob(work: (job: unknown) => Promise<unknown>): void {
  process.once('disconnect', () => process.exit());
  process.once('message', (message: { readonly job: unknown }) => {
    void perform(work, message.job);
  });
}

async function perform(work: (job: unknown) => Promise<unknown>, job: unknown): Promise<void> {
  try {
    process.send?.(await work(job));
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
