import { closeSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { showUntrustedUpTo } from '../reports/untrusted.ts';

/** Health is asked for before the first user arrives. */
const HEAD_BYTES = 256 * 1024;
const TEXT_CHARACTERS_MAX = 200;
const tellingSchema = z.union([z.string().min(1), z.number()]).optional();
const answerSchema = z.object({
  kind: z.literal('response'),
  purpose: z.literal('health'),
  frame: z.object({
    service: z.string().optional(),
    version: tellingSchema,
    revision: tellingSchema,
    build: tellingSchema,
    commit: tellingSchema,
  }),
});

/**
 * What the target's health endpoints said of its build, as a harmless line: `auth-service version 1.4.2`;
 * several, when they differ between services or between trials. Null when none of them tells.
 */
export function targetBuildIn(histories: readonly string[]): string | null {
  const told = new Set(histories.flatMap((path) => headLines(path).flatMap(buildsIn)));
  return told.size === 0 ? null : showUntrustedUpTo([...told].join(', '), TEXT_CHARACTERS_MAX);
}

function buildsIn(line: string): string[] {
  if (!line.includes('"purpose":"health"')) return [];
  let answer: z.infer<typeof answerSchema> | undefined;
  try {
    answer = answerSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return []; // The head of a history may end in the middle of a line.
  }
  if (answer === undefined) return [];
  const { service, ...telling } = answer.frame;
  const builds = Object.entries(telling).map(([name, value]) => `${name} ${String(value)}`);
  if (builds.length === 0) return [];
  return [[...(service === undefined ? [] : [service]), ...builds].join(' ')];
}

function headLines(path: string): string[] {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return []; // A history that is gone is reported by whoever judges it.
  }
  try {
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    return head.toString('utf8', 0, readSync(file, head)).split('\n');
  } finally {
    closeSync(file);
  }
}
