import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomScripts, type Candidate } from '../../../scenarios/explore/random-scripts.ts';
import {
  CrowdModel,
  describeStep,
  legalScript,
  VERBS,
  type Script,
  type Step,
} from '../../../scenarios/explore/script.ts';
import { shrink } from '../../../scenarios/explore/shrink.ts';
import { possibilitiesOf } from '../../../scenarios/explore/walk.ts';
import reference from '../../../targets/reference.ts';

const OURS = { usersFile: null, variants: [] };
const CAN = possibilitiesOf(reference, OURS);

function firstScripts(seed: string, count: number, users = 5): Candidate[] {
  const found: Candidate[] = [];
  for (const candidate of randomScripts(seed, users, CAN)) {
    found.push(candidate);
    if (found.length === count) break;
  }
  return found;
}

const script = (steps: readonly Step[], users = 3, late = 0): Script => ({ users, late, steps });
const legal = (steps: readonly Step[], users = 3, late = 0): readonly Step[] =>
  legalScript(script(steps, users, late), CAN).script.steps;
const ask = (...users: number[]): Step => ({ verb: 'ask', users });

describe('the model', () => {
  test('lets nobody do what a person could not do there', () => {
    expect(legal([{ verb: 'read', users: [0, 1, 2] }])).toEqual([]);
    expect(legal([{ verb: 'cancel', users: [1] }])).toEqual([]);
    expect(legal([{ verb: 'reconnect', users: [1] }])).toEqual([]);
    expect(legal([{ verb: 'arrive', users: [0] }])).toEqual([]);
    expect(legal([{ verb: 'use the old session', users: [0] }])).toEqual([]);
    expect(legal([{ verb: 'sign out', users: [0] }])).toEqual([]);
    expect(legal([ask(0), ask(0, 1)])).toEqual([ask(0), ask(1)]);
  });

  test('lets late users do nothing but arrive', () => {
    const steps = [ask(2), { verb: 'arrive', users: [2] }, ask(2)] as const;
    expect(legal(steps, 3, 1)).toEqual(steps.slice(1));
  });

  test('waits for a moment only where somebody is there to see it', () => {
    const drop = { verb: 'drop', users: [1], at: { user: 0, event: 'tool_executing' } } as const;
    expect(legal([drop])).toEqual([{ verb: 'drop', users: [1] }]);
    expect(legal([ask(0), drop])).toEqual([ask(0), drop]);
  });

  test('has a stopped run over, and a dropped connection gone until it is back', () => {
    const model = new CrowdModel({ users: 2, late: 0 }, CAN);
    model.done(ask(0, 1));
    expect(model.able('read')).toEqual([0, 1]);
    model.done({ verb: 'cancel', users: [0] });
    model.done({ verb: 'drop', users: [1] });
    expect(model.able('read')).toEqual([]);
    model.done({ verb: 'reconnect', users: [1] });
    expect(model.able('read')).toEqual([1]);
  });

  test('leaves out what the target has no verb for', () => {
    const { refresh: _refresh, failWord: _failWord, probes: _probes, ...rest } = reference;
    const verbs = possibilitiesOf(rest, OURS).verbs;
    const missing = VERBS.filter((verb) => !verbs.has(verb));
    expect(missing).toEqual(['ask for trouble', 'refresh the token', "try the neighbour's thread"]);
    for (const plan of [
      { usersFile: [{ token: 'somebody' }], variants: [] },
      { usersFile: null, variants: ['shared-thread'] },
    ])
      expect(possibilitiesOf(reference, plan).verbs.has("try the neighbour's thread")).toBe(false);
  });
});

describe('random scripts', () => {
  test('are the same for the same seed, and others for another', () => {
    const told = (seed: string): string =>
      JSON.stringify(firstScripts(seed, 100).map((one) => [one.path, one.script]));
    expect(told('a')).toBe(told('a'));
    expect(told('a')).not.toBe(told('b'));
  });

  test('are legal, let everybody ask, and use every verb', () => {
    const used = new Set<string>();
    for (const { script: drawn } of firstScripts('verbs', 300)) {
      expect(legalScript(drawn, CAN).script).toEqual(drawn);
      const asked = drawn.steps.flatMap(({ verb, users }) =>
        verb.startsWith('ask') || verb.startsWith('try') ? users : [],
      );
      expect(new Set(asked).size).toBe(drawn.users);
      for (const { verb } of drawn.steps) used.add(verb);
    }
    expect(VERBS.filter((verb) => !used.has(verb))).toEqual([]);
  });

  test('keep to the size of the crowd that there is', () => {
    for (const { script: drawn } of firstScripts('small', 100, 2)) expect(drawn.users).toBe(2);
  });
});

/** Whether somebody cancels, and somebody else asks after that: what the fault `shift` takes. */
function showsShift({ steps }: Script): boolean {
  const at = steps.findIndex(({ verb }) => verb === 'cancel');
  const who = steps[at]?.users[0];
  return (
    at !== -1 &&
    steps.slice(at).some((step) => step.verb === 'ask' && step.users.some((user) => user !== who))
  );
}

describe('shrinking', () => {
  test('leaves nothing that can be spared, whatever was drawn', async () => {
    const showing = firstScripts('shrink', 150).filter((one) => showsShift(one.script));
    expect(showing.length).toBeGreaterThan(8);
    for (const candidate of showing.slice(0, 8)) {
      const { script: shortest } = await shrink(candidate, {
        known: candidate.script,
        can: CAN,
        atOnce: 4,
        isOver: () => false,
        shows: (one) => Promise.resolve(showsShift(one)),
      });
      expect(shortest.users).toBe(2);
      expect(shortest.steps.map(({ verb }) => verb)).toEqual(['ask', 'cancel', 'ask']);
      expect(shortest.steps.every(({ users, at }) => users.length === 1 && at === undefined)).toBe(
        true,
      );
    }
  });

  test('asks about no script twice, and gives up what nobody waits for', async () => {
    const asked: string[] = [];
    let givenUp = 0;
    const start = firstScripts('once', 200).find((one) => showsShift(one.script));
    if (start === undefined) throw new Error('no script to shrink was drawn');
    await shrink(start, {
      known: start.script,
      can: CAN,
      atOnce: 3,
      isOver: () => false,
      shows: async (one, signal) => {
        asked.push(JSON.stringify(one));
        if (showsShift(one)) return true;
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        if (signal.aborted) givenUp += 1;
        return false;
      },
    });
    // What was given up has not been answered, and may be asked again.
    expect(asked.length - new Set(asked).size).toBeLessThanOrEqual(givenUp);
  });

  test('has to do with what it has when the time is over', async () => {
    const start = firstScripts('time', 200).find((one) => showsShift(one.script));
    if (start === undefined) throw new Error('no script to shrink was drawn');
    const questions = { known: start.script, can: CAN, atOnce: 2, isOver: () => true };
    const shrunk = await shrink(start, { ...questions, shows: () => Promise.resolve(true) });
    expect(shrunk).toEqual({ script: start.script, path: start.path, tried: 0 });
  });
});

test('a step is told in one line', () => {
  const at = { user: 0, event: 'tool_executing' };
  expect(describeStep(ask(0, 2))).toBe('u00 and u02: ask');
  expect(describeStep({ verb: 'drop', users: [1], at })).toBe(
    'u01: drop when u00 has seen tool_executing',
  );
  expect(describeStep({ verb: 'cancel', users: [0], at })).toBe(
    'u00: cancel when it has seen tool_executing',
  );
});

test('every script that shrinking offers is legal', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 8 }), (seed) => {
      const [first] = firstScripts(seed, 1);
      let seen = 0;
      for (const { script: simpler } of first?.simpler() ?? []) {
        expect(legalScript(simpler, CAN).script).toEqual(simpler);
        seen += 1;
        if (seen > 30) break;
      }
    }),
    { numRuns: 50 },
  );
});
