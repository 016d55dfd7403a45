import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding } from '../../history/verdict.ts';
import {
  describeStep,
  legalScript,
  type Possibilities,
  type Script,
  type Step,
  type Verb,
} from './script.ts';

/** Name of the scenario file among an exploration's artifacts. */
export const SCENARIO_FILE = 'found.spec.mts';

const SCENARIOS = fileURLToPath(new URL('../', import.meta.url));

/** A script, and what it showed. */
export interface ShownScript {
  readonly script: Script;
  readonly finding: Pick<Finding, 'rule' | 'message'>;
  readonly seed: string;
  readonly path: string;
  readonly can: Possibilities;
  /** Where the file goes. */
  readonly directory: string;
}

/**
 * The text of a scenario that walks a script, ready to run where it lies and to keep: moved to `scenarios/`
 * it needs its import shortened and nothing else.
 */
export function scenarioFile(shown: ShownScript): string {
  const { script, finding, seed, path, can, directory } = shown;
  const waiting = legalScript(script, can).model.able('read');
  const comment = [
    ...script.steps.map((step) => describeStep(step)),
    '',
    `Found by explore with seed ${seed} at ${path}: ${finding.rule}.`,
  ];
  return `${[
    `import { expect, test } from '${importPath(directory)}';`,
    '',
    '// A few users do a few things: that all of their runs overlap is not the point.',
    'test.use({ overlapFloor: 0 });',
    '',
    ...(needsOnly(script, waiting) ? [ONLY, ''] : []),
    '/**',
    ...comment.map((line) => ` * ${safe(line)}`.trimEnd()),
    ' */',
    `test('found by explore', { tag: ['@nightly'] }, async ({ crowd }) => {`,
    ...arrival(script),
    ...script.steps.flatMap((step) => codeOf(step, script)),
    ...(waiting.length === 0
      ? []
      : [
          `  await crowd.each('read the answers', (user) => user.answered()${only(waiting, script)});`,
        ]),
    '  await expect(crowd).toBeIsolated();',
    '});',
  ].join('\n')}\n`;
}

/** Users beyond the script's have nothing to do in it, so a larger crowd does no harm. */
const ONLY = `/** The users at these places of the crowd. */
const only = (...places: number[]) => ({
  only: ({ index }: { readonly index: number }) => places.includes(index),
});`;

function needsOnly({ steps, late, users }: Script, waiting: readonly number[]): boolean {
  return late > 0 || waiting.length < users || steps.some(({ users: who }) => who.length < users);
}

function only(users: readonly number[], script: Script): string {
  return users.length === script.users ? '' : `, only(${users.join(', ')})`;
}

function arrival({ users, late }: Script): readonly string[] {
  const early = [...Array.from({ length: users - late }).keys()];
  const who = late === 0 ? '' : `, only(${early.join(', ')})`;
  return [
    `  await crowd.each('sign in', (user) => user.signIn()${who});`,
    `  await crowd.each('open chat', (user) => user.openChat()${who});`,
  ];
}

/** One verb as code; where it is several calls, they are lines of an async function. */
const CALLS: Readonly<Record<Verb, (step: Step) => readonly string[]>> = {
  arrive: () => ['user.signIn()', 'user.openChat()'],
  ask: () => ['user.ask()'],
  'ask for trouble': () => ['user.provokeError()', 'user.ask()'],
  read: () => ['user.answered()'],
  cancel: () => ['user.cancel()'],
  drop: () => ['user.drop()'],
  reconnect: () => ['user.reconnect()'],
  'duplicate the tab': () => ['user.duplicateTab()'],
  'refresh the token': () => ['user.refreshToken()'],
  "try the neighbour's thread": ({ neighbour = 0 }) => [
    `user.probe('threads', crowd.users[${neighbour}] ?? user)`,
    `user.probe('own question', user)`,
  ],
  'sign out': () => [`user.signOut('elsewhere')`],
  'use the old session': () => ['user.stale()'],
};

function codeOf(step: Step, script: Script): readonly string[] {
  const { verb, users, at } = step;
  const phase = `'${describeStep(step).replaceAll("'", String.raw`\'`)}'`;
  const who = only(users, script);
  const until =
    at === undefined
      ? []
      : [
          users.length === 1 && users[0] === at.user
            ? `user.until('${at.event}')`
            : `crowd.users[${at.user}]?.until('${at.event}')`,
        ];
  const calls = [...until, ...CALLS[verb](step)];
  const [first = ''] = calls;
  const how = verb === 'ask' ? 'together' : 'each';
  if (calls.length === 1) return [`  await crowd.${how}(${phase}, (user) => ${first}${who});`];
  return [
    `  await crowd.${how}(`,
    `    ${phase},`,
    '    async (user) => {',
    ...calls.map((call) => `      ${call.startsWith('user.provoke') ? '' : 'await '}${call};`),
    '    },',
    ...(who === '' ? [] : [`    ${who.slice(2)},`]),
    '  );',
  ];
}

/** Nothing that a target said may end the comment. */
function safe(line: string): string {
  return line.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ');
}

function importPath(directory: string): string {
  const to = relative(directory, `${SCENARIOS}fixtures.ts`).split(sep).join('/');
  return to.startsWith('.') ? to : `./${to}`;
}
