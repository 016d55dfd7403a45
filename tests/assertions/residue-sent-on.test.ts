import { describe, expect, test } from 'vitest';
import { act, browserPath, see } from './browser-history.ts';
import type { HistoryBuilder } from './history-builder.ts';

/** u01 goes on in the browser profile of u00. */
function handedOver(): HistoryBuilder {
  const history = browserPath();
  act(history, 'u00', 'sign-out');
  act(history, 'u01', 'take-over', { message: 'u00' });
  return history;
}

function posts(history: HistoryBuilder, user: string, content: string): void {
  const url = 'http://127.0.0.1:1/api/ask';
  history.add(user, { surface: 'http', dir: 'out', kind: 'request', url, conn: null, content });
}

const told = (history: HistoryBuilder) =>
  history
    .verdict()
    .findings.filter(({ rule, severity }) => severity === 'violation' && !rule.startsWith('gate/'))
    .map(({ rule, observer, owner, surface, message }) => ({
      rule: rule.split('/')[1],
      who: `${observer} of ${owner}`,
      surface,
      message,
    }));

describe("a former user's words in what a page sends", () => {
  test('are residue, which the echo of the target repeats', () => {
    const history = handedOver();
    const { note } = history.person('u00');
    posts(history, 'u01', JSON.stringify({ messages: [{ text: note }, { text: 'mine' }] }));
    expect(told(history)).toEqual([
      {
        rule: 'residue',
        who: 'u01 of u00',
        surface: 'http',
        message: expect.stringContaining('sent the note marker of u00'),
      },
    ]);
  });

  test('are so in frames as well', () => {
    const history = handedOver();
    const content = JSON.stringify({ type: 'ask', history: [history.person('u00').note] });
    history.add('u01', { dir: 'out', kind: 'frame', contentKind: 'frame', content });
    expect(told(history)).toMatchObject([{ rule: 'residue', surface: 'socket' }]);
  });

  test('are none before, of others, and in ids alone', () => {
    const history = browserPath();
    posts(history, 'u01', history.person('u00').note);
    act(history, 'u01', 'take-over', { message: 'u00' });
    posts(history, 'u01', `back from ${history.person('u00').thread}`);
    posts(history, 'u01', history.person('u01').note);
    see(history, 'u01', history.person('u01').note);
    expect(told(history)).toEqual([]);
  });

  test('are none where the user asked for them on purpose', () => {
    const history = handedOver();
    act(history, 'u01', 'probe', {
      place: 'ask',
      source: 'foreign id',
      owner: 'u00',
      message: 'x',
    });
    posts(history, 'u01', history.person('u00').note);
    expect(told(history)).toEqual([]);
  });
});
