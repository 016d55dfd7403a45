import { setTimeout as pause } from 'node:timers/promises';
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
import { simplerScripts } from '../../../scenarios/explore/simpler-scripts.ts';
import { possibilitiesOf } from '../../../scenarios/explore/walk.ts';
import netra from '../../../targets/netra.ts';
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

  test('drops no connection in the middle of a run that cannot be gone on with', () => {
    const can = possibilitiesOf(netra, OURS);
    const drop = { verb: 'drop', users: [0, 1] } as const;
    const steps = [ask(0), drop, { verb: 'reconnect', users: [1] }] as const;
    expect(legalScript(script(steps), can).script.steps).toEqual([
      ask(0),
      { verb: 'drop', users: [1] },
      { verb: 'reconnect', users: [1] },
    ]);
    expect(legal(steps)).toEqual(steps);
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

const ALL_AT_ONCE = { can: CAN, atOnce: 4, isOver: () => false } as const;

describe('shrinking', () => {
  test('leaves nothing that can be spared, whatever was drawn', async () => {
    const showing = firstScripts('shrink', 150).filter((one) => showsShift(one.script));
    expect(showing.length).toBeGreaterThan(8);
    for (const { script: known } of showing.slice(0, 8)) {
      const shows = (one: Script): Promise<boolean> => Promise.resolve(showsShift(one));
      const { script: shortest } = await shrink({ ...ALL_AT_ONCE, known, shows });
      expect(shortest.users).toBe(2);
      expect(shortest.steps.map(({ verb }) => verb)).toEqual(['ask', 'cancel', 'ask']);
      expect(shortest.steps.every(({ users, at }) => users.length === 1 && at === undefined)).toBe(
        true,
      );
    }
  });

  test('finds a race that shows only while another is in the middle of something', async () => {
    const known = script(RACE_BY_CHANCE, 4);
    for (const seed of ['a', 'b', 'c']) {
      const chance = chanceOf(seed);
      const { script: shortest } = await shrink({
        ...ALL_AT_ONCE,
        known,
        // As drawn it is luck that the steps before take as long as the tool needs to begin.
        shows: (one) => Promise.resolve(showsRace(one) || (isLateEnough(one) && chance() < 0.4)),
      });
      expect(shortest.users).toBe(2);
      expect(shortest.steps.map(({ verb }) => verb).toSorted()).toEqual([
        'ask',
        'drop',
        'reconnect',
      ]);
      expect(shortest.steps.at(-1)?.at?.event).toBe('tool_executing');
    }
  });

  test('leaves out users whom a race by luck would have kept', async () => {
    const known = script([ask(0, 3), { verb: 'cancel', users: [0] }], 4);
    let tries = 0;
    const { script: shortest } = await shrink({
      ...ALL_AT_ONCE,
      known,
      shows: ({ users, steps }) => {
        tries += 1;
        const [asked, cancelled] = steps;
        const isWhole = asked?.users.length === 2 && cancelled?.verb === 'cancel';
        // At no moment in particular it is luck, and luck is with the larger crowd.
        return Promise.resolve(isWhole && (cancelled.at !== undefined || users === 4));
      },
    });
    expect(shortest.users).toBe(2);
    expect(shortest.steps.map((step) => describeStep(step))).toEqual([
      'u00 and u01: ask',
      'u00: cancel when it has seen tool_executing',
    ]);
    expect(tries).toBeLessThan(60);
  });

  test('asks again about what showed nothing only when nothing simpler shows it', async () => {
    const asked: string[] = [];
    const known = script([ask(0), ask(1), ask(2)]);
    const shows = (one: Script): Promise<boolean> => {
      asked.push(JSON.stringify(one));
      return Promise.resolve(one.steps.length === known.steps.length);
    };
    const { script: shortest, tried } = await shrink({ ...ALL_AT_ONCE, atOnce: 1, known, shows });
    expect(shortest.steps).toHaveLength(3);
    expect(tried).toBe(asked.length);
    const simpler = asked.filter((text) => text !== JSON.stringify(known));
    const different = new Set(simpler).size;
    expect(different).toBeGreaterThan(3);
    expect(new Set(simpler.slice(0, different)).size).toBe(different);
    expect(simpler).toHaveLength(different * 3);
  });

  test('gives up what nobody waits for as soon as one shows it', async () => {
    let givenUp = 0;
    const known = script([ask(0), ask(1), ask(2)]);
    const shows = async (one: Script, signal: AbortSignal): Promise<boolean> => {
      if (one.steps.length === 1) return one.steps[0]?.users[0] === 0;
      await pause(20, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) givenUp += 1;
      return false;
    };
    const { script: shortest } = await shrink({ ...ALL_AT_ONCE, known, shows });
    expect(shortest.steps).toEqual([ask(0)]);
    expect(givenUp).toBeGreaterThan(0);
  });

  test('has to do with what it has when the time is over', async () => {
    const [known] = firstScripts('time', 1).map((one) => one.script);
    if (known === undefined) throw new Error('no script was drawn');
    const shows = (): Promise<boolean> => Promise.resolve(true);
    const shrunk = await shrink({ ...ALL_AT_ONCE, isOver: () => true, known, shows });
    expect(shrunk).toEqual({ script: known, tried: 0 });
  });

  test('an error of the harness is no answer', async () => {
    const shows = (): Promise<boolean> => Promise.reject(new Error('no target was started'));
    await expect(
      shrink({ ...ALL_AT_ONCE, known: script([ask(0), ask(1)]), shows }),
    ).rejects.toThrow('no target was started');
  });
});

/** Another's reconnect meets a running tool only for the time that the steps between take. */
const RACE_BY_CHANCE: readonly Step[] = [
  { verb: 'drop', users: [1] },
  ask(2),
  { verb: 'read', users: [2] },
  ask(0),
  { verb: 'refresh the token', users: [3] },
  { verb: "try the neighbour's thread", users: [2], neighbour: 0 },
  { verb: 'reconnect', users: [1], at: { user: 0, event: 'agent_started' } },
  { verb: 'read', users: [0] },
  ask(1, 3),
];

/** Whether somebody comes back when another's run has shown a tool at work. */
function showsRace({ steps }: Script): boolean {
  return steps.some(
    ({ verb, users, at }) =>
      verb === 'reconnect' && at?.event === 'tool_executing' && users[0] !== at.user,
  );
}

/** Whether somebody comes back at least a step after another asked. */
function isLateEnough({ steps }: Script): boolean {
  const asked = steps.findIndex(({ verb }) => verb === 'ask');
  const back = steps.findLastIndex(({ verb }) => verb === 'reconnect');
  return asked !== -1 && back > asked + 1;
}

/** The same draws for the same seed. */
function chanceOf(seed: string): () => number {
  const draws = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), {
    seed: seed.charCodeAt(0),
    numRuns: 1_000,
  });
  let at = 0;
  return () => draws[at++ % draws.length] ?? 0;
}

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
      for (const { script: drawn } of firstScripts(seed, 1))
        for (const simpler of simplerScripts(drawn, CAN))
          expect(legalScript(simpler, CAN).script).toEqual(simpler);
    }),
    { numRuns: 50 },
  );
});
