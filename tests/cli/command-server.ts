import { main } from '../../cli/main.ts';

/**
 * Runs command lines one after another in one process, each in a directory and an environment of its own:
 * loading the command takes longer than most commands.
 */

/** One command line. Plain data: it travels between processes. */
export interface CommandOrder {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a command left behind. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

process.on('disconnect', () => process.exit(0));
process.on('message', (order: CommandOrder) => {
  void obey(order).then((ended) => process.send?.(ended));
});

async function obey({ words, cwd, env }: CommandOrder): Promise<Ended> {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  const out = capture(process.stdout);
  const err = capture(process.stderr);
  try {
    const code = await main(words);
    return { code, out: out.text(), err: err.text() };
  } finally {
    out.release();
    err.release();
  }
}

function capture(stream: NodeJS.WriteStream): { text: () => string; release: () => void } {
  const write = stream.write.bind(stream);
  let text = '';
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  };
  return {
    text: () => text,
    release: () => {
      stream.write = write;
    },
  };
}
