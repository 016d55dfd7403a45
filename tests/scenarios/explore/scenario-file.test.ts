import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scenarioFile, type ShownScript } from '../../../scenarios/explore/scenario-file.ts';
import { legalScript, type Script } from '../../../scenarios/explore/script.ts';
import { possibilitiesOf } from '../../../scenarios/explore/walk.ts';
import reference from '../../../targets/reference.ts';

const SCENARIOS = fileURLToPath(new URL('../../../scenarios/', import.meta.url));
const CAN = possibilitiesOf(reference, { usersFile: null, variants: [] });

const RACE: Script = {
  users: 2,
  late: 0,
  steps: [
    { verb: 'ask', users: [0] },
    { verb: 'drop', users: [1] },
    { verb: 'reconnect', users: [1], at: { user: 0, event: 'tool_executing' } },
  ],
};

function fileOf(script: Script, changes: Partial<ShownScript> = {}): string {
  expect(legalScript(script, CAN).script).toEqual(script);
  const finding = { rule: 'isolation/misdelivered-event', message: 'u01 received …' };
  return scenarioFile({
    script,
    finding,
    seed: 's',
    path: '7:1',
    can: CAN,
    directory: SCENARIOS,
    ...changes,
  });
}

test('a script is written as somebody would write it', () => {
  expect(fileOf(RACE)).toBe(`import { expect, test } from './fixtures.ts';

// A few users do a few things: that all of their runs overlap is not the point.
test.use({ overlapFloor: 0 });

/** The users at these places of the crowd. */
const only = (...places: number[]) => ({
  only: ({ index }: { readonly index: number }) => places.includes(index),
});

/**
 * u00: ask
 * u01: drop
 * u01: reconnect when u00 has seen tool_executing
 *
 * Found by explore with seed s at 7:1: isolation/misdelivered-event.
 */
test('found by explore', { tag: ['@nightly'] }, async ({ crowd }) => {
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  await crowd.together('u00: ask', (user) => user.ask(), only(0));
  await crowd.each('u01: drop', (user) => user.drop(), only(1));
  await crowd.each(
    'u01: reconnect when u00 has seen tool_executing',
    async (user) => {
      await crowd.users[0]?.until('tool_executing');
      await user.reconnect();
    },
    only(1),
  );
  await crowd.each('read the answers', (user) => user.answered(), only(0));
  await expect(crowd).toBeIsolated();
});
`);
});

test('what everybody does names nobody', () => {
  const text = fileOf({ users: 2, late: 0, steps: [{ verb: 'ask', users: [0, 1] }] });
  expect(text).toContain("crowd.together('u00 and u01: ask', (user) => user.ask());");
  expect(text).not.toContain('only(');
});

test('late users come when the script says so', () => {
  const steps = [{ verb: 'arrive', users: [2] }] as const;
  const text = fileOf({ users: 3, late: 1, steps });
  expect(text).toContain("crowd.each('sign in', (user) => user.signIn(), only(0, 1));");
  expect(text).toMatch(/'u02: arrive',\s+async \(user\) => \{\s+await user\.signIn\(\);/);
});

test('it runs where it lies', () => {
  const directory = join(SCENARIOS, '..', 'artifacts', 'latest', 'trials', 'explore-websocket');
  expect(fileOf(RACE, { directory })).toContain("from '../../../../scenarios/fixtures.ts';");
});

test('nothing that was found ends the comment', () => {
  const text = fileOf(RACE, { finding: { rule: '*/ process.exit(0) /*', message: '' } });
  expect(text.match(/\*\//g)).toHaveLength(2);
});
