import { describe, expect, test } from 'vitest';
import { FIVE, HistoryBuilder, rulesOf, withRun } from '../history-builder.ts';

describe('order/malformed-event', () => {
  test.each([
    ['text that is not JSON', { contentKind: 'text', content: '{"type":' }],
    ['a frame over the limit', { contentKind: 'text', content: '{"type"', cut: 67_000_000 }],
    ['a frame the socket refused', { reason: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' }],
    ['binary', { contentKind: 'base64', content: '/////w==' }],
  ] as const)('%s', (_name, line) => {
    const history = withRun(FIVE, (story) => {
      story.add('u00', { ...line });
    });
    const [finding] = history.findings('malformed-event');
    expect(finding?.observer).toBe('u00');
  });

  test('binary is none where the profile says that it belongs to the protocol, and is searched', () => {
    const history = new HistoryBuilder(3, { binaryMessages: true }).goldenPath();
    const attached = (bytes: Buffer): void => {
      history.add('u00', { contentKind: 'base64', content: bytes.toString('base64') });
    };
    attached(Buffer.from([0xff, 0xfe, 0x80]));
    expect(history.verdict().findings).toEqual([]);
    attached(Buffer.concat([Buffer.from([0xff]), Buffer.from(history.person('u01').note)]));
    expect(rulesOf(history)).toEqual(['isolation/foreign-marker']);
  });

  test('a frame within the limit that was cut for the record is a gap in the evidence', () => {
    const history = withRun(FIVE, (story) => {
      story.add('u00', { contentKind: 'text', content: '{"type":"x"', cut: 1_000 });
    });
    expect(history.findings('malformed-event')).toEqual([]);
    expect(history.verdict().verdict).toBe('inconclusive');
  });

  test('JSON over several lines is none', () => {
    const history = withRun(FIVE, (story) => {
      story.add('u00', { contentKind: 'text', content: '{\n"type": "notice"\n}' });
    });
    expect(history.verdict().findings).toEqual([]);
  });
});
