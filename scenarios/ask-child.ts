import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { programWords } from './compiled-programs.ts';

/** The process ended before it answered. */
export class ChildEnded extends Error {
  override readonly name = 'ChildEnded';
}

/**
 * Sends a child process an order and waits for its next message, which the caller says the type of: both
 * ends are ours.
 * @throws ChildEnded when it ends first.
 */
export async function askChild<Answer>(child: ChildProcess, order: object): Promise<Answer> {
  const over = new AbortController();
  const { signal } = over;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  const said = once(child, 'message', { signal }) as Promise<[Answer]>;
  const gone = once(child, 'exit', { signal }).then(([code]): never => {
    throw new ChildEnded(`its process ended with ${String(code)}`);
  });
  said.catch(() => undefined);
  gone.catch(() => undefined);
  try {
    child.send(order);
    const [answer] = await Promise.race([said, gone]);
    return answer;
  } finally {
    over.abort();
  }
}

/** Starts a TypeScript module as a child process that is talked to by messages; it prints to our stderr. */
export function forkModule(module: URL, env: NodeJS.ProcessEnv = process.env): ChildProcess {
  const { file, execArgv } = programWords(module);
  return fork(file, [], {
    execArgv: [...execArgv],
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}
