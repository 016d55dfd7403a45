import { describe, expect, test } from 'vitest';
import {
  powerByRule,
  precisionOf,
  recallOf,
  sum,
  unnamed,
} from '../../assertions/detection-power.ts';
import type { Deed } from '../../assertions/ground-truth.ts';
import type { Finding, Verdict } from '../../history/verdict.ts';
import { HistoryBuilder } from './history-builder.ts';

const MARKER = 'isolation/foreign-marker';
const EVENT = 'isolation/misdelivered-event';

function deed(observer: string | null, owner: string | null): Deed {
  return { t: 0, fault: 'broadcast', observer, owner, run: null, event: null, how: 'sent' };
}

/** A verdict of three users with these findings in place of its own. */
function verdictWith(
  ...found: readonly (readonly [rule: string, observer: string | null, owner: string | null])[]
): Verdict {
  const verdict = new HistoryBuilder(3).start().verdict();
  const findings = found.map(([rule, observer, owner]): Finding => ({
    rule,
    severity: 'violation',
    observer,
    owner,
    surface: 'socket',
    place: null,
    event: null,
    t: 0,
    count: 1,
    mechanism: null,
    message: '',
    witness: [],
    screenshot: null,
  }));
  return { ...verdict, findings };
}

const [first, second] = verdictWith().users.map(({ identity }) => identity);

describe('the power of a rule', () => {
  test('is whole where each deed is named by a finding of the rule that must catch it', () => {
    const verdict = verdictWith([EVENT, 'u00', 'u01']);
    const deeds = [deed(first ?? '', second ?? ''), deed(first ?? '', second ?? '')];
    const power = powerByRule(verdict, deeds, [EVENT]).get(EVENT);
    expect(power).toEqual({ deeds: 1, found: 1, findings: 1, explained: 1 });
  });

  test('lacks recall where nobody names the observer and the owner of a deed', () => {
    const verdict = verdictWith([EVENT, 'u00', 'u02']);
    const powers = powerByRule(verdict, [deed(first ?? '', second ?? '')], [EVENT]);
    const power = powers.get(EVENT);
    expect(power && recallOf(power)).toBe(0);
    expect(power && precisionOf(power)).toBe(0);
  });

  test('counts a companion in the place of the rule that must catch the fault', () => {
    const verdict = verdictWith([MARKER, 'u00', 'u01']);
    const powers = powerByRule(verdict, [deed(first ?? '', second ?? '')], [EVENT]);
    expect(powers.get(EVENT)).toEqual({ deeds: 1, found: 1, findings: 0, explained: 0 });
    expect(powers.get(MARKER)).toEqual({ deeds: 0, found: 0, findings: 1, explained: 1 });
  });

  test('lacks precision where a finding accuses somebody to whom nothing was done', () => {
    const verdict = verdictWith([EVENT, 'u02', 'u01']);
    const power = powerByRule(verdict, [], [EVENT]).get(EVENT);
    expect(power).toEqual({ deeds: 0, found: 0, findings: 1, explained: 0 });
    expect(power && precisionOf(power)).toBe(0);
    expect(power && recallOf(power)).toBe(1);
  });

  test('knows an access by either end: who had it, and whose it was', () => {
    const verdict = verdictWith(['isolation/unauthorized-access', 'u00', 'u01']);
    const seenByOwner = deed(second ?? '', first ?? '');
    expect(unnamed(verdict, [seenByOwner])).toEqual([]);
    const ofAnother = verdictWith(['isolation/unauthorized-access', 'u00', 'u02']);
    expect(unnamed(ofAnother, [seenByOwner])).toEqual([seenByOwner]);
    // Who merely received something is one thing, and whose it was another.
    expect(unnamed(verdictWith([MARKER, 'u00', 'u01']), [seenByOwner])).toEqual([seenByOwner]);
  });

  test('leaves out what was done to people of no crowd', () => {
    const deeds = [deed('somebody@else.example.com', second ?? '')];
    expect(powerByRule(verdictWith(), deeds, [EVENT]).size).toBe(0);
  });

  test('adds up over trials', () => {
    const one = { deeds: 2, found: 1, findings: 4, explained: 3 };
    expect(sum(one, one)).toEqual({ deeds: 4, found: 2, findings: 8, explained: 6 });
  });
});
