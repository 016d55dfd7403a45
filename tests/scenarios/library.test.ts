import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseScenarioTrials, SCENARIO_TRIALS_FILE } from '../../cli/scenario-trials.ts';
import { builtInScenarios } from '../../cli/scenarios.ts';
import { FAULTS } from '../../reference/catalogue.ts';
import { STORIES, type Story } from '../../scenarios/stories/table.ts';

const TAGS = ['smoke', 'nightly', 'signoff', 'hostile', 'soak'];
const TRANSPORTS = ['websocket', 'browser'] as const;
/** Four minutes on each transport: walked by hand, on the one that costs nothing meanwhile. */
const WALKED_ON_WEBSOCKET_ALONE = new Set(['idle-limit']);

const scenarios = builtInScenarios();
const trials = parseScenarioTrials(
  readFileSync(new URL(`../../${SCENARIO_TRIALS_FILE}`, import.meta.url), 'utf8'),
);

function isSeenOn(fault: string, transport: (typeof TRANSPORTS)[number]): boolean {
  const seenBy = FAULTS.find(({ name }) => name === fault)?.seenBy;
  return seenBy === 'any' || seenBy === (transport === 'browser' ? 'page' : 'socket');
}

function outcomeOf({ name }: Story, transport: string, fault: string | null): string | undefined {
  return trials.find(
    (one) => one.scenario === name && one.transport === transport && one.fault === fault,
  )?.outcome;
}

function transportsOf({ name }: Story): readonly (typeof TRANSPORTS)[number][] {
  return WALKED_ON_WEBSOCKET_ALONE.has(name) ? ['websocket'] : TRANSPORTS;
}

describe('the library of scenarios', () => {
  it('has a story for each script with one, and a script for each story', () => {
    const names = scenarios.map(({ name }) => name);
    for (const { name } of STORIES) expect(names).toContain(name);
    expect(new Set(STORIES.map(({ name }) => name)).size).toBe(STORIES.length);
  });

  it('tags every scenario with words that have a meaning, and says what it provokes', () => {
    for (const { name, tags, text } of scenarios) {
      expect(tags.length, name).toBeGreaterThan(0);
      for (const tag of tags) expect(TAGS, name).toContain(tag);
      expect(text, name).toMatch(/\w.*[.!?]$/);
    }
    expect(scenarios.filter(({ tags }) => tags.includes('smoke')).length).toBeGreaterThan(0);
  });

  it.each(STORIES.map((story) => [story.name, story] as const))(
    '%s asks for the same crowd in its script and in its story',
    (name, { overlapFloor, alike, questions }) => {
      const script = readFileSync(
        new URL(`../../scenarios/${name}.spec.ts`, import.meta.url),
        'utf8',
      );
      const used = /test\.use\(\{([^}]*)\}\)/.exec(script)?.[1] ?? '';
      expect(used.includes('overlapFloor: 0')).toBe(overlapFloor === 0);
      expect(used.includes('alike: true')).toBe(alike === true);
      expect(/questions: '(\w+)'/.exec(used)?.[1]).toBe(questions);
    },
  );
});

describe('what real runs showed (else: node --import tsx bench/scenario-trials.ts)', () => {
  it.each(STORIES.map((story) => [story.name, story] as const))(
    '%s passes clean wherever it applies, and catches what motivated it',
    (_name, story) => {
      const outcomes = transportsOf(story).map((transport) => outcomeOf(story, transport, null));
      expect(outcomes.every((one) => one === 'pass' || one === 'not-applicable')).toBe(true);
      expect(outcomes).toContain('pass');
      for (const transport of transportsOf(story)) {
        if (outcomeOf(story, transport, null) !== 'pass') continue;
        for (const fault of story.reveals.filter((name) => isSeenOn(name, transport)))
          expect(outcomeOf(story, transport, fault), `${fault} on ${transport}`).toBe('fail');
      }
    },
  );

  it('names nothing that is not there any more', () => {
    for (const { scenario, fault } of trials) {
      const story = STORIES.find(({ name }) => name === scenario);
      expect(story, scenario).toBeDefined();
      if (fault !== null) expect(story?.reveals, scenario).toContain(fault);
    }
  });
});
