import { expect, test } from 'vitest';
import { calibrate } from '../../assertions/calibration.ts';
import reference from '../../targets/reference.ts';
import { FIVE, HistoryBuilder } from './history-builder.ts';

test('a target that writes its JSON on several lines has a detector that is proven', () => {
  const history = new HistoryBuilder(3).goldenPath();
  for (const [at, line] of history.lines.entries())
    if (line.contentKind === 'frame' && line.content !== undefined) {
      const content = JSON.stringify(JSON.parse(line.content), null, 2);
      history.lines[at] = { ...line, contentKind: 'text', content };
    }
  expect(history.verdict().verdict).toBe('pass');
  const { missed, planted, byMutation } = calibrate({
    header: history.header,
    observations: history.lines,
  });
  expect(missed).toEqual([]);
  expect(planted).toBeGreaterThan(5);
  expect(byMutation['marker-spliced']).toEqual({ planted: 1, caught: 1 });
});

const missedIn = ({ header, lines }: HistoryBuilder): readonly string[] =>
  calibrate({ header, observations: lines }).missed;

test('a detector is proven where some answers come in pieces and others whole', () => {
  for (const streaming of [['u00'], ['u01'], ['u02'], ['u00', 'u01']]) {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE)
      for (const { name, note } of history.people) {
        const isStreamed = type === 'agent_completed' && streaming.includes(name);
        const text = `You asked ${history.asked.get(name)?.[0]?.marker}; your note says ${note}`;
        if (isStreamed)
          for (const piece of [text.slice(0, 20), text.slice(20)])
            history.event(name, 'agent_chunk', { payload: { text: piece } });
        history.event(name, type, isStreamed ? { payload: { response: undefined } } : {});
      }
    expect(history.verdict().verdict).toBe('pass');
    expect(missedIn(history)).toEqual([]);
  }
});

test('a note about an event without ids changes no verdict', () => {
  for (const name of ['u00', 'u01', 'u02', 'u03', 'u04', 'u05']) {
    const history = new HistoryBuilder(6, {
      claims: { ...reference.judging.claims, ids: {} },
    }).goldenPath(FIVE.slice(0, 2));
    history.add(name, {
      event: 'agent_thinking',
      contentKind: 'frame',
      content: '{"type":"agent_thinking","payload":{}}',
    });
    for (const type of FIVE.slice(2))
      for (const one of history.people) history.event(one.name, type);
    expect(history.findings('unattributable-event')).toMatchObject([{ severity: 'note' }]);
    expect(history.verdict().verdict).toBe('pass');
    expect(missedIn(history)).toEqual([]);
  }
});
