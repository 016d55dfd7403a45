import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseScenarioTrials, SCENARIO_TRIALS_FILE } from '../../cli/scenario-trials.ts';
import { builtInScenarios } from '../../cli/scenarios.ts';
import { FAULTS } from '../../reference/catalogue.ts';
import { STORIES } from '../../scenarios/stories/table.ts';

const TAGS = ['smoke', 'nightly', 'signoff', 'hostile', 'soak'];

const scenarios = builtInScenarios();
const trials = parseScenarioTrials(
  readFileSync(new URL(`../../${SCENARIO_TRIALS_FILE}`, import.meta.url), 'utf8'),
);

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
    (name, story) => {
      const clean = trials.filter((one) => one.scenario === name && one.fault === null);
      for (const { transport, outcome } of clean)
        expect(['pass', 'not-applicable'], transport).toContain(outcome);
      expect(clean.map(({ outcome }) => outcome)).toContain('pass');
      for (const fault of story.reveals) {
        const walked = trials.filter((one) => one.scenario === name && one.fault === fault);
        expect(walked.length, `${fault} was never walked`).toBeGreaterThan(0);
        for (const { transport, outcome } of walked)
          expect(outcome, `${fault} on ${transport}`).toBe('fail');
      }
    },
  );

  it('took each fault to a transport that shows it, and is credited to one of its own rules', () => {
    for (const { fault, transport, rules } of trials) {
      const entry = FAULTS.find(({ name }) => name === fault);
      if (entry === undefined) continue;
      expect(entry.seenBy, fault ?? '').not.toBe(transport === 'browser' ? 'socket' : 'page');
      expect(
        entry.rules.some((rule) => rules.includes(rule)),
        fault ?? '',
      ).toBe(true);
    }
  });

  it('names nothing that is not there any more', () => {
    for (const { scenario, fault } of trials) {
      const story = STORIES.find(({ name }) => name === scenario);
      expect(story, scenario).toBeDefined();
      if (fault !== null) expect(story?.reveals, scenario).toContain(fault);
    }
  });
});
