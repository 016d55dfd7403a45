import { describe, expect, test } from 'vitest';
import { calibrate } from '../../assertions/calibration.ts';
import { mintMarker } from '../../history/markers.ts';
import { redacted } from '../../history/redaction.ts';
import {
  answerOf,
  act,
  browserPath,
  browserRuns,
  draw,
  notShown,
  reply,
  see,
} from './browser-history.ts';
import { HistoryBuilder, type Line } from './history-builder.ts';

const violations = (history: HistoryBuilder) =>
  history
    .verdict()
    .findings.filter(({ severity, rule }) => severity === 'violation' && !rule.startsWith('gate/'))
    .map(({ rule, observer, owner }) => `${rule} ${observer} of ${owner}`);
const outcomeOf = (history: HistoryBuilder, rule: string) =>
  history.verdict().rules.find((result) => result.rule === rule)?.outcome;

/** All runs complete but u00's, which goes on as told; everybody's page is read but u00's. */
function withRun(change: (history: HistoryBuilder) => void): HistoryBuilder {
  const history = browserRuns();
  for (const name of ['u01', 'u02']) {
    history.event(name, 'agent_completed');
    draw(history, name, answerOf(history, name));
  }
  change(history);
  return history;
}

describe('a crowd in browsers', () => {
  test('passes when page and wire agree', () => {
    const verdict = browserPath().verdict();
    expect(verdict.findings).toEqual([]);
    expect(verdict.verdict).toBe('pass');
    expect(verdict.users.map(({ transport }) => transport)).toEqual([
      'browser',
      'browser',
      'browser',
    ]);
    for (const surface of ['socket', 'http', 'dom', 'storage', 'cookie', 'console'])
      expect(verdict.users[0]?.bytes[surface]).toBeGreaterThan(0);
  });

  test('is calibrated on its pages too', () => {
    const history = browserPath(4);
    const calibration = calibrate({ header: history.header, observations: history.lines });
    expect(calibration.missed).toEqual([]);
    expect(calibration.byMutation['page-spliced']).toEqual({ planted: 1, caught: 1 });
  });

  test('of raw users alone has no pages to judge', () => {
    const history = new HistoryBuilder(3).goldenPath();
    for (const rule of [
      'isolation/wire-page-mismatch',
      'isolation/residue',
      'delivery/not-shown',
      'evidence/blind-surface',
    ])
      expect(outcomeOf(history, rule)).toBe('not-applicable');
  });

  test('mixed with raw users is judged on the pages of those who have one', () => {
    const history = new HistoryBuilder(3, {}, 'mixed').goldenPath();
    expect(outcomeOf(history, 'evidence/blind-surface')).toBe('not-applicable');
    expect(history.verdict().users.map(({ transport }) => transport)).toEqual([
      'websocket',
      'websocket',
      'websocket',
    ]);
  });
});

describe('isolation/wire-page-mismatch', () => {
  test('an answer on the page to a run that failed on the wire', () => {
    const history = withRun((story) => {
      story.event('u00', 'agent_error');
      draw(story, 'u00', 'All done.');
    });
    const [finding] = history.findings('wire-page-mismatch');
    expect(finding).toMatchObject({ observer: 'u00', surface: 'dom', event: 'answer' });
    expect(finding?.place).toBe('[role=article]:nth(1)');
  });

  test('an error drawn for a run that failed is right, also beside the pieces that came before', () => {
    const history = withRun((story) => {
      story.event('u00', 'agent_chunk', { payload: { text: 'You asked for a' } });
      story.event('u00', 'agent_error');
      draw(story, 'u00', 'You asked for');
      draw(story, 'u00', 'The agent failed.', 'error');
    });
    expect(history.findings('wire-page-mismatch')).toEqual([]);
  });

  test('an error on the page to a run that was answered', () => {
    const history = withRun((story) => {
      story.event('u00', 'agent_completed');
      draw(story, 'u00', 'Something went wrong', 'error');
    });
    expect(violations(history)).toEqual(['isolation/wire-page-mismatch u00 of null']);
  });

  test('an error that the answer replaced was passing trouble', () => {
    const history = withRun((story) => {
      story.event('u00', 'agent_completed');
      draw(story, 'u00', 'Connection lost', 'error');
      draw(story, 'u00', answerOf(story, 'u00'));
    });
    expect(violations(history)).toEqual([]);
  });

  test("another's answer names its owner", () => {
    const history = withRun((story) => {
      story.event('u00', 'agent_completed');
      draw(story, 'u00', answerOf(story, 'u01'));
    });
    expect(history.findings('wire-page-mismatch').map(({ owner }) => owner)).toContain('u01');
    expect(history.findings('foreign-marker').map(({ surface }) => surface)).toEqual(['dom']);
  });

  test('an earlier answer of mine under a later question', () => {
    const history = browserPath();
    const before = answerOf(history, 'u00');
    history.round();
    draw(history, 'u00', before);
    for (const name of ['u01', 'u02']) draw(history, name, answerOf(history, name));
    expect(violations(history)).toEqual(['isolation/wire-page-mismatch u00 of u00']);
  });

  test('one that is drawn while a replay has brought no more than how both begin', () => {
    const history = browserPath();
    const before = answerOf(history, 'u00');
    history.round();
    const again = (text: string): unknown =>
      history.event('u00', 'agent_chunk', { payload: { text }, fields: { conn: 'u00#2' } });
    again('You asked');
    draw(history, 'u00', before);
    again(answerOf(history, 'u00').slice('You asked'.length));
    expect(history.findings('wire-page-mismatch').map(({ owner }) => owner)).toEqual(['u00']);
  });

  const drawn: readonly (readonly [string, (answer: string, question: string) => string])[] = [
    ['twice', (answer) => `${answer}\n${answer}`],
    ['in other case and spacing', (answer) => answer.toUpperCase().replaceAll(' ', '\n  ')],
    ['with the question quoted', (answer, question) => `> ${question}\n\n${answer}`],
    ['as Markdown', (answer) => answer.replace('your note', '**your** _note_')],
    ['with a list made of it', (answer) => answer.replace('; your note says', '\n1. Note:')],
    ['cut off', (answer) => answer.slice(0, 40)],
  ];
  test.each(drawn)('the own answer drawn %s is no mismatch', (_how, format) => {
    const history = withRun((story) => {
      story.event('u00', 'agent_completed');
      const { marker } = story.asked.get('u00')?.[0] ?? { marker: '' };
      draw(story, 'u00', format(answerOf(story, 'u00'), marker));
    });
    expect(violations(history)).toEqual([]);
  });

  test('a streamed answer is held against its pieces', () => {
    const history = withRun((story) => {
      const text = answerOf(story, 'u00');
      for (let from = 0; from < text.length; from += 9)
        story.event('u00', 'agent_chunk', { payload: { text: text.slice(from, from + 9) } });
      story.event('u00', 'agent_completed', { payload: { response: '' } });
      draw(story, 'u00', text);
    });
    expect(violations(history)).toEqual([]);
  });

  test('an answer without a marker that the page words in its own way says nothing', () => {
    const history = withRun((story) => {
      story.event('u00', 'agent_completed', { payload: { response: '{"cost":12}' } });
      draw(story, 'u00', 'You can save 12 dollars');
    });
    expect(history.findings('wire-page-mismatch')).toEqual([]);
  });

  test('what the page alone made readable is one beside the foreign marker', () => {
    const history = browserPath();
    const line = see(history, 'u00', `hint: ${history.person('u02').note}`, { place: 'article' });
    expect(violations(history)).toEqual([
      'isolation/foreign-marker u00 of u02',
      'isolation/wire-page-mismatch u00 of u02',
    ]);
    const [finding] = history.findings('wire-page-mismatch');
    expect(finding).toMatchObject({ surface: 'dom', place: 'article' });
    expect(finding?.witness[0]?.line).toBe(line.line);
  });

  test('what the wire carried, in whatever form, is a leak but no mismatch', () => {
    const history = browserPath();
    const { note } = history.person('u02');
    reply(history, 'u00', `{"hint":"${Buffer.from(`so ${note}!`).toString('base64')}"}`);
    see(history, 'u00', `hint: ${note}`);
    expect(history.findings('foreign-marker').map(({ surface }) => surface)).toEqual([
      'http',
      'dom',
    ]);
    expect(history.findings('wire-page-mismatch')).toEqual([]);
  });

  test('is not claimed when the wire was not seen whole', () => {
    const history = browserPath();
    reply(history, 'u00', '{"long":"', { contentKind: 'text', cut: 5_000 });
    see(history, 'u00', `hint: ${history.person('u02').note}`);
    expect(history.findings('wire-page-mismatch')).toEqual([]);
    expect(history.findings('foreign-marker')).toHaveLength(1);
  });

  test('a member of a shared thread may see it on the page', () => {
    const history = new HistoryBuilder(3, {}, 'browser').start();
    const { note } = history.person('u00');
    see(history, 'u01', `note of a colleague: ${note}`, { place: 'main' });
    history.shareThread('u00', ['u00', 'u01']);
    history.round();
    expect(history.findings('wire-page-mismatch')).toEqual([]);
    expect(history.findings('foreign-marker')).toEqual([]);
  });

  test('nothing is said of a page that was never read', () => {
    const history = withRun((story) => {
      story.event('u00', 'agent_completed');
    });
    expect(violations(history)).toEqual([]);
  });
});

describe('delivery/not-shown', () => {
  test('the wire completed and the page shows neither answer nor error', () => {
    const history = withRun((story) => {
      story.event('u00', 'agent_completed');
      notShown(story, 'u00');
    });
    expect(violations(history)).toEqual(['delivery/not-shown u00 of null']);
  });

  test('is one for all users too', () => {
    const history = browserRuns();
    for (const { name } of history.people) history.event(name, 'agent_completed');
    for (const { name } of history.people) notShown(history, name);
    expect(violations(history)).toHaveLength(3);
    expect(outcomeOf(history, 'delivery/not-shown')).toBe('fail');
  });

  test('is none where the wire had no answer either: the missing event says it', () => {
    const history = withRun((story) => {
      notShown(story, 'u00');
    });
    expect(violations(history)).toEqual(['order/missing-event u00 of null']);
  });

  test('applies, and is open, where no page was ever read', () => {
    const history = browserRuns();
    for (const { name } of history.people) history.event(name, 'agent_completed');
    expect(outcomeOf(history, 'delivery/not-shown')).toBe('inconclusive');
    expect(history.verdict().verdict).toBe('inconclusive');
  });
});

describe('evidence/blind-surface', () => {
  const without = (gone: (line: Line) => boolean) => {
    const history = browserPath();
    const kept = history.lines.filter((line) => !gone(line));
    history.lines.splice(0, history.lines.length, ...kept);
    return history;
  };
  const blind = (history: HistoryBuilder) =>
    history.findings('blind-surface').map(({ observer, surface }) => `${observer} ${surface}`);

  test.each(['http', 'dom'] as const)('nothing came over %s', (surface) => {
    const history = without((line) => line.surface === surface && line.user === 'u01');
    expect(blind(history)).toContain(`u01 ${surface}`);
    expect(history.verdict().verdict).toBe('inconclusive');
    expect(history.verdict().cause).toBe('blind');
  });

  test('a watcher does not see what was planted', () => {
    const history = without((line) => line.surface === 'console' && line.user === 'u02');
    expect(blind(history)).toEqual(['u02 console']);
  });

  test('what is seen on another surface, or by another user, proves nothing', () => {
    const history = without((line) => line.surface === 'storage' && line.user === 'u02');
    see(history, 'u02', 'proof-storage-u02');
    see(history, 'u01', 'proof-storage-u02', { surface: 'storage' });
    expect(blind(history)).toEqual(['u02 storage']);
  });

  test('a watcher that was never put to the proof', () => {
    const history = without((line) => line.act === 'prove' && line.place === 'cookie');
    expect(blind(history)).toEqual(['u00 cookie', 'u01 cookie', 'u02 cookie']);
  });

  test('a cookie is recognised by the hash of its value', () => {
    const history = browserPath();
    act(history, 'u00', 'prove', { place: 'cookie', message: 'proof-redacted' });
    see(history, 'u00', `proof=${redacted('proof-redacted')}`, { surface: 'cookie' });
    expect(blind(history)).toEqual([]);
  });

  test('a watcher that broke is named, and is no failure of the target', () => {
    const history = browserPath();
    history.add('u00', {
      kind: 'failure',
      surface: 'harness',
      dir: 'act',
      step: 'watch',
      reason: 'storage',
      message: 'the page was gone',
    });
    expect(blind(history)).toEqual(['u00 storage']);
    expect(violations(history)).toEqual([]);
    expect(history.findings('blind-surface')[0]?.message).toContain('the page was gone');
  });

  test('a browser that is lost in mid-run leaves its user blind, and accuses nobody', () => {
    const history = browserRuns();
    const [lost, ...others] = history.people;
    history.add(lost?.name ?? '', {
      surface: 'harness',
      dir: 'act',
      kind: 'failure',
      conn: null,
      step: 'answer',
      reason: 'browser-lost',
      message: 'the browser was lost: the page crashed',
    });
    for (const { name } of others) {
      history.event(name, 'agent_completed');
      draw(history, name, answerOf(history, name));
    }
    expect(history.verdict().verdict).toBe('inconclusive');
    expect(violations(history)).toEqual([]);
    expect(blind(history)).toEqual(['u00 dom']);
  });

  test('a user without an agent event is told which surfaces were silent', () => {
    const history = new HistoryBuilder(2, {}, 'browser').start();
    const [finding] = history.findings('nothing-observed');
    expect(finding?.message).toContain('nothing at all on http, dom');
  });
});

describe('a screenshot', () => {
  test("of the observer's page is the finding's, the latest one", () => {
    const history = browserPath();
    const taken = { surface: 'screen', dir: 'act', kind: 'screenshot' } as const;
    for (const url of ['screenshots/u00-1.png', 'screenshots/u00-2.png'])
      history.add('u00', { ...taken, url });
    history.add('u02', { ...taken, url: 'screenshots/u02.png' });
    see(history, 'u00', history.person('u02').note);
    see(history, 'u01', history.person('u02').note);
    const shots = history
      .findings('foreign-marker')
      .map(({ observer, screenshot }) => [observer, screenshot]);
    expect(shots).toEqual([
      ['u00', 'screenshots/u00-2.png'],
      ['u01', null],
    ]);
  });
});

test('a page text called as an agent event is called is no event', () => {
  const history = browserPath();
  see(history, 'u00', 'agent_error', { event: 'agent_error' });
  see(history, 'u00', 'agent_started', { event: 'agent_started' });
  expect(violations(history)).toEqual([]);
});

test('a marker that nobody planted but that names its user is foreign on a page too', () => {
  const history = browserPath();
  const { markerPrefix = '' } = history.header.users[1] ?? {};
  see(history, 'u00', mintMarker(markerPrefix, 'tool', 3), { surface: 'console' });
  expect(history.findings('foreign-marker').map(({ surface }) => surface)).toEqual(['console']);
});
