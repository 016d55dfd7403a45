import { parseArgs } from 'node:util';
import { messageOf } from '../history/message-of.ts';

/** The groups of measurements. */
export const SECTIONS = [
  'client',
  'judge',
  'memory',
  'scan',
  'page-frames',
  'browser-cpu',
] as const;
export type Section = (typeof SECTIONS)[number];

export interface BenchOptions {
  /** Interleaved rounds; medians are taken over them. */
  readonly rounds: number;
  /** Smaller loads for a first look: limits are shown and not enforced. */
  readonly quick: boolean;
  /** One JSON document on standard output, progress on standard error. */
  readonly json: boolean;
  readonly sections: readonly Section[];
  /** Directory that child processes write V8 CPU profiles to. */
  readonly profileDir: string | undefined;
}

export const USAGE = `Usage: npm run bench -- [options]

  --rounds N     interleaved rounds of each measurement (5)
  --quick        smaller loads, two rounds; limits are not enforced
  --only NAME    ${SECTIONS.join(', ')}; repeatable
  --json         one JSON document on standard output
  --profile DIR  write a CPU profile of every measuring process to DIR
  --help
`;

const ROUNDS = 5;
const ROUNDS_QUICK = 2;
const ROUNDS_MAX = 100;

/** Options, or every mistake in the command line; undefined when help was asked for. */
export function readOptions(args: readonly string[]): BenchOptions | readonly string[] | undefined {
  try {
    return checked(parsed(args));
  } catch (error) {
    return [messageOf(error)];
  }
}

function parsed(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

function checked(values: ReturnType<typeof parsed>): BenchOptions | readonly string[] | undefined {
  const { quick, json, only, profile, help } = values;
  if (help) return undefined;
  const rounds = Number(values.rounds ?? (quick ? ROUNDS_QUICK : ROUNDS));
  const mistakes = only
    .filter((name) => !isSection(name))
    .map((name) => `--only must be ${SECTIONS.join(', ')}, got "${name}"`);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX)
    mistakes.push(`--rounds must be 1 to ${ROUNDS_MAX}, got "${values.rounds ?? ''}"`);
  if (mistakes.length > 0) return mistakes;
  const sections = only.length === 0 ? SECTIONS : SECTIONS.filter((name) => only.includes(name));
  return { rounds, quick, json, sections, profileDir: profile };
}

function isSection(name: string): name is Section {
  return SECTIONS.some((section) => section === name);
}
