import { CommanderError } from 'commander';
import { messageOf } from '../history/message-of.ts';
import { showUntrusted } from '../reports/untrusted.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';
import { outputFor } from './output.ts';
import { buildProgram } from './program.ts';
import { UsageError } from './usage-error.ts';

/**
 * Runs one command line (without `node` and the script's name) and returns its exit code (DESIGN §4.2).
 * Never throws: mistakes of the caller end in 64, files that cannot be written in 2, defects of the harness
 * in 70.
 */
export async function main(words: readonly string[]): Promise<number> {
  const output = outputFor(words);
  try {
    return await runProgram(words, output);
  } catch (error) {
    if (error instanceof UsageError) return reportMistakes(error, output);
    if (isNotWritten(error)) return reportNotWritten(error, output);
    return reportDefect(error, output);
  }
}

/** By its name: what throws it is loaded by those commands alone that write. */
function isNotWritten(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ArtifactNotWritten';
}

async function runProgram(words: readonly string[], output: Output): Promise<number> {
  let code: number = EXIT.pass;
  const program = buildProgram(output, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    // Commander ends `--help` and `--version` by a throw.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.pass;
    throw error;
  }
  return code;
}

function reportMistakes(error: UsageError, output: Output): number {
  output.document({ errors: error.mistakes });
  const count = error.mistakes.length;
  const head = count === 1 ? 'crosstalk: 1 mistake' : `crosstalk: ${count} mistakes`;
  const lines = error.mistakes.map((mistake) => `  ${showUntrusted(mistake)}`);
  if (!output.json) output.remark([`${head}, nothing was started`, ...lines].join('\n'));
  return EXIT.usage;
}

function reportNotWritten({ message }: Error, output: Output): number {
  const text = `NOT_WRITTEN: ${message}. Make room, or see to it that the file can be written, and run this again.`;
  output.document({ errors: [text] });
  if (!output.json) output.remark(text);
  return EXIT.inconclusive;
}

function reportDefect(error: unknown, output: Output): number {
  const message = messageOf(error);
  const text = `DEFECT: crosstalk itself failed: ${message}`;
  output.document({ errors: [text] });
  if (!output.json) output.remark(text);
  const wanted = /(^|[,\s])(crosstalk|\*)([,\s]|$)/.test(process.env['DEBUG'] ?? '');
  if (wanted && error instanceof Error) output.remark(error.stack ?? '');
  else output.remark('Set DEBUG=crosstalk to see where.');
  return EXIT.defect;
}
