#!/usr/bin/env node
// The `crosstalk` command. Node 20 cannot run TypeScript by itself, and there is no build to keep in mind:
// what was compiled when the project was installed runs as long as its sources are what they were then;
// else tsx is registered first, which takes a second of processor time more and some memory.
import { fileURLToPath, pathToFileURL } from 'node:url';

/** `scenarios/compiled-programs.ts`, which tells what was compiled, compiled itself. */
const COMPILED = '../node_modules/.cache/crosstalk/scenarios-compiled-programs-ts/entry.mjs';

/** `EXIT.inconclusive` of `exit-codes.ts`. */
const INCONCLUSIVE = 2;

let stdoutError;
const noteStdoutError = (error) => {
  stdoutError ??= error;
};
process.stdout.on('error', noteStdoutError);
// Progress and remarks that nobody can read any more end nothing: what counts is written elsewhere as well.
process.stderr.on('error', () => {});

const { main } = await import((await compiled()) ?? (await source()));
const code = await main(process.argv.slice(2));
// Left-over sockets of a target must not keep the command alive; what was printed must get out first.
process.stdout.write('', (error) => {
  noteStdoutError(error);
  // A reader that goes away early (`crosstalk list rules | head`) is no error.
  const unprinted = stdoutError && stdoutError.code !== 'EPIPE';
  if (unprinted) process.stderr.write(`NOT_WRITTEN: standard output: ${stdoutError.message}.\n`);
  process.stderr.write('', () => process.exit(unprinted && code === 0 ? INCONCLUSIVE : code));
});

/** The address of the compiled command; undefined where there is none, or none of these sources. */
async function compiled() {
  try {
    const { compiledFile } = await import(COMPILED);
    const file = compiledFile('cli/main.ts');
    return file === undefined ? undefined : pathToFileURL(file).href;
  } catch {
    return undefined; // Nothing was compiled.
  }
}

async function source() {
  const { register } = await import('tsx/esm/api');
  // tsx would otherwise take one from the working directory, which is the caller's.
  register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) });
  return './main.ts';
}
