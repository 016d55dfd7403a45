import { spawn } from 'node:child_process';
import { closeSync, openSync, realpathSync, rmSync, statSync } from 'node:fs';
import { messageOf } from '../history/message-of.ts';
import { programWords } from '../scenarios/compiled-programs.ts';
import { EXIT } from './exit-codes.ts';
import { OptionReader } from './option-reader.ts';
import type { CommandCall } from './program.ts';
import { optionWords } from './shell-words.ts';
import { readPace, readSwitches } from './target-options.ts';
import type { Mistakes } from './usage-error.ts';
import { UsageError } from './usage-error.ts';

const PORT_MAX = 65_535;
const SECONDS = { min: 0.05, max: 86_400 };
/** As the target itself makes it. */
const TRUTH_MODE = 0o600;
const STOP_WITHIN_MS = 1500;
/** What the target says when it may not listen at its port, or somebody else does. */
const PORT_REFUSED = /\blisten (?:EADDRINUSE|EACCES)\b/;
const ENTRY = new URL('../reference/main.ts', import.meta.url);

/** `crosstalk target`: the reference target as a child process that ends with this one. */
export async function targetCommand(call: CommandCall): Promise<number> {
  const words = targetWords(call);
  const { file, execArgv } = programWords(ENTRY);
  const child = spawn(process.execPath, [...execArgv, file, ...words], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    // Ctrl-C reaches the whole group of a terminal; the target is stopped from here alone.
    detached: true,
  });
  let isPortRefused = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    // That is told below, as the mistake of the caller that it is.
    if (PORT_REFUSED.test(text)) isPortRefused = true;
    else process.stderr.write(text);
  });
  let interrupted = false;
  const stop = (): void => {
    if (interrupted) child.kill('SIGKILL');
    interrupted = true;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS).unref();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (interrupted) return EXIT.interrupted;
  if (isPortRefused)
    throw new UsageError([
      'BAD_VALUE: "--port" must be a port that is free to use, and this one is not. Pass another, or none for any free one.',
    ]);
  return code ?? EXIT.defect;
}

/** The command line of `reference/main.ts`; the same options, checked here so that all mistakes show. */
function targetWords({ options, args, mistakes }: CommandCall): string[] {
  const read = new OptionReader(options, mistakes);
  const { faults, variants } = readSwitches(read);
  const words = [
    ...optionWords(
      'port',
      read.number('port', { min: 0, max: PORT_MAX, whole: true, fallback: 0, example: 8080 }),
    ),
    ...(faults.length === 0 ? [] : optionWords('fault', faults.join(','))),
    ...(variants.length === 0 ? [] : optionWords('variant', variants.join(','))),
    ...optionWords('truth', readTruth(read, mistakes)),
    ...optionWords('seed', readSeed(read, mistakes)),
    ...optionWords('pace', readPace(read)),
    ...optionWords('fail-word', read.text('fail-word')),
    ...optionWords('e2e-key', read.text('e2e-key')),
    ...optionWords('token-ttl', seconds(read, 'token-ttl')),
    ...optionWords('heartbeat', seconds(read, 'heartbeat')),
    ...optionWords('idle', seconds(read, 'idle')),
  ];
  for (const arg of args)
    mistakes.add('UNEXPECTED_ARGUMENT', `"target" takes no argument, got "${arg}".`);
  mistakes.throwIfAny();
  return words;
}

/** Opened once here, for the target itself could only fail to start. */
function readTruth(read: OptionReader, mistakes: Mistakes): string | undefined {
  const path = read.text('truth');
  if (path === undefined) return undefined;
  try {
    const before = statSync(path, { throwIfNoEntry: false });
    // To open a pipe is to wait for its reader.
    const isPipe = before?.isFIFO() === true;
    if (!isPipe) closeSync(openSync(path, 'a', TRUTH_MODE));
    if (before === undefined) rmSync(realpathSync(path));
  } catch (error) {
    mistakes.add(
      'BAD_VALUE',
      `"--truth" must be a file that can be written to: ${messageOf(error)}.`,
    );
  }
  return path;
}

function readSeed(read: OptionReader, mistakes: Mistakes): string | undefined {
  const seed = read.text('seed');
  if (seed !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(seed))
    mistakes.add('BAD_VALUE', `"--seed" must be 1 to 64 of A-Za-z0-9_-, got "${seed}".`);
  return seed;
}

function seconds(read: OptionReader, name: string): number | undefined {
  const value = read.number(name, { ...SECONDS, fallback: 0, example: 60 });
  return value === 0 ? undefined : value;
}
