import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from './exit-codes.ts';
import { didYouMean } from './nearest.ts';
import { checkWritable } from './out-directory.ts';
import type { CommandCall } from './program.ts';
import { builtInScenarios } from './scenarios.ts';
import type { Mistakes } from './usage-error.ts';

const KINDS = ['scenario'] as const;
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const PROJECT = fileURLToPath(new URL('../', import.meta.url));
const SCENARIOS = join(PROJECT, 'scenarios');

/** A file to write: where, and what. */
interface Skeleton {
  /** As the caller would name it. */
  readonly path: string;
  readonly text: string;
}

/**
 * `crosstalk init scenario NAME`: writes a scenario that works as it is, a spec and its story, to be changed
 * into what it shall be. In a checkout of the harness both go to `scenarios/`, elsewhere into the working
 * directory, where the spec is run by its path.
 */
export async function initCommand({ args, mistakes, output }: CommandCall): Promise<number> {
  const name = readName(args, mistakes);
  const files = name === undefined ? [] : skeletons(name, process.cwd());
  for (const { path } of files)
    if (existsSync(path))
      mistakes.add(
        'CONFLICT',
        `"${path}" must not exist, for nothing is overwritten. Choose another name, or remove it.`,
      );
  for (const home of new Set(files.map(({ path }) => dirname(path))))
    checkWritable(home, 'the folder of a scenario', mistakes);
  mistakes.throwIfAny();
  for (const { path, text } of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: 'wx' });
  }
  const written = files.map(({ path }) => path);
  output.document({ files: written });
  output.text(
    [...written.map((path) => `wrote ${path}`), ...nextSteps(name ?? '', written)].join('\n'),
  );
  return EXIT.pass;
}

function readName(args: readonly string[], mistakes: Mistakes): string | undefined {
  const [kind, name, ...others] = args;
  if (kind === undefined)
    mistakes.add('MISSING_ARGUMENT', '"init" needs what to make and its name: init scenario NAME.');
  else if (!KINDS.some((known) => known === kind))
    mistakes.add(
      'UNKNOWN_NAME',
      `"init" makes a ${KINDS.join(' or ')}, got "${kind}". ${didYouMean(kind, KINDS)}`.trim(),
    );
  else if (name === undefined)
    mistakes.add('MISSING_ARGUMENT', '"init scenario" needs a name, got nothing.');
  for (const other of others)
    mistakes.add('UNEXPECTED_ARGUMENT', `"init scenario" takes one name, got "${other}" as well.`);
  if (name === undefined) return undefined;
  if (!NAME.test(name))
    mistakes.add(
      'BAD_VALUE',
      `the name of a scenario must be lower-case words joined by dashes, got "${name}". Write: init scenario two-tabs.`,
    );
  else if (builtInScenarios().some((scenario) => scenario.name === name))
    mistakes.add('CONFLICT', `there is a scenario "${name}" already. Choose another name.`);
  else return name;
  return undefined;
}

function skeletons(name: string, directory: string): readonly Skeleton[] {
  const isCheckout = relative(PROJECT, directory) === '' || directory === SCENARIOS;
  const home = isCheckout ? SCENARIOS : directory;
  const shown = (path: string): string => relative(directory, join(home, path));
  const story = isCheckout ? `stories/${name}.ts` : `${name}.story.mts`;
  const spec = isCheckout ? `${name}.spec.ts` : `${name}.spec.mts`;
  return [
    {
      path: shown(spec),
      text: specText(name, `./${story}`, moduleAt(home, 'scenarios/fixtures.ts')),
    },
    { path: shown(story), text: storyText(name, dirname(join(home, story))) },
  ];
}

/** How a file in a directory imports a module of the harness. */
function moduleAt(directory: string, module: string): string {
  const path = relative(directory, join(PROJECT, module)).split(sep).join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

function specText(name: string, story: string, fixtures: string): string {
  return `import { expect, test } from '${fixtures}';
import { ${functionNameOf(name)} } from '${story}';

/** Every other user loses its connection while a tool is at work, comes back and goes on. */
test('${name.replaceAll('-', ' ')}', { tag: ['@nightly'] }, async ({ crowd }) => {
  await ${functionNameOf(name)}(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
`;
}

function storyText(name: string, directory: string): string {
  const crowd = moduleAt(directory, 'clients/crowd.ts');
  const user = moduleAt(directory, 'clients/user.ts');
  return `import type { Crowd } from '${crowd}';
import type { User } from '${user}';

const isOdd = (user: User): boolean => user.index % 2 === 1;

/** Every other user loses its connection while a tool is at work, comes back and goes on. */
export async function ${functionNameOf(name)}(crowd: Crowd): Promise<void> {
  crowd.needs('reconnect');
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  for (const round of crowd.rounds) {
    await crowd.together('ask', (user) => user.ask(), { round });
    await crowd.each('disturb', (user) => user.reconnect({ at: 'tool_executing' }), {
      only: isOdd,
      round,
    });
    await crowd.each('read the answer', (user) => user.answered(), { round });
  }
}
`;
}

/** `two-tabs` as `playTwoTabs`: no name of a scenario is a reserved word then. */
function functionNameOf(name: string): string {
  return `play${name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}`;
}

function nextSteps(name: string, [spec = '']: readonly string[]): readonly string[] {
  const isBuiltIn = spec.endsWith('.spec.ts');
  return [
    `Run it: npx crosstalk run ${isBuiltIn ? name : spec} --users 4 --pace 0.3`,
    ...(isBuiltIn ? ['Give its story a line in scenarios/stories/table.ts.'] : []),
    'docs/writing-scenarios.md tells the rest.',
  ];
}
