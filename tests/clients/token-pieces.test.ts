import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { judgeOnce } from '../../assertions/history-judge.ts';
import { mintMarker, userPrefix } from '../../history/markers.ts';
import { credentialHash } from '../../history/redaction.ts';
import { asFrame } from '../../targets/frames.ts';
import {
  Closers,
  openRawTrial,
  PREFIX,
  socketLab,
  socketServer,
  tinyTarget,
  until,
} from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** A target whose answers are streamed under the name that most model interfaces have for a piece. */
const tiny = tinyTarget();
const streaming = () =>
  tinyTarget({
    judging: {
      ...tiny.judging,
      answer: { containers: [['payload'], ['delta'], []], answer: ['response'], chunk: ['token'] },
    },
  });

/** A frame for every few characters of an answer. */
type Shape = (piece: string) => object;
const SHAPES: Readonly<Record<string, Shape>> = {
  'in a payload': (piece) => ({ type: 'agent_chunk', payload: { token: piece } }),
  'in a delta': (piece) => ({ type: 'agent_chunk', delta: { token: piece } }),
  'in the frame itself': (piece) => ({ type: 'agent_chunk', token: piece }),
};

/** Answers every question with a text that `answer` makes of all questions asked so far, piece by piece. */
function chat(shape: Shape, answer: (asked: readonly string[]) => string): Promise<string> {
  const asked: string[] = [];
  return socketServer(closers, (socket: WebSocket) => {
    socket.send('{"type":"hello"}');
    socket.on('message', (data: Buffer) => {
      const frame = asFrame(JSON.parse(data.toString()));
      if (frame?.['type'] !== 'ask') return;
      const ids = { run_id: frame['run_id'] };
      asked.push(String(frame['content']));
      for (const piece of answer(asked).match(/.{1,5}/gs) ?? [])
        socket.send(JSON.stringify({ ...shape(piece), ...ids }));
      socket.send(JSON.stringify({ type: 'agent_completed', ...ids, payload: {} }));
    });
  });
}

async function findingsOf(url: string) {
  const crowd = await openRawTrial(closers, streaming(), {
    url: url.replace('ws:', 'http:'),
    users: 2,
  });
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  for (const user of crowd.users) {
    await user.ask();
    await user.answered();
  }
  await crowd.close('done');
  return judgeOnce(crowd.historyPath).findings;
}

describe.each(Object.entries(SHAPES))('an answer in pieces called tokens, %s', (_where, shape) => {
  test("that is another user's is found", async () => {
    const findings = await findingsOf(await chat(shape, (asked) => asked[0] ?? ''));
    const rules = findings.map(({ rule }) => rule);
    expect(rules).toContain('isolation/foreign-marker');
    expect(rules).toContain('isolation/wrong-answer');
  });

  test("that is its asker's own is seen to be", async () => {
    const findings = await findingsOf(await chat(shape, (asked) => asked.at(-1) ?? ''));
    const rules = findings.map(({ rule }) => rule);
    expect(rules.filter((rule) => /isolation|marker/.test(rule))).toEqual([]);
  });
});

describe('what is no piece of an answer', () => {
  const OWN = 'pw-12.x';
  const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLW9mLWl0';
  const KNOWN = 'known-opaque-secret';
  const FRAMES = [
    { type: 'agent_chunk', token: OWN },
    { type: 'agent_chunk', token: JWT },
    { type: 'agent_chunk', token: `see ${KNOWN}` },
    { type: 'agent_chunk', token: 'Zx81kQpL0vR7tYwB2nM4sD6f' },
    { type: 'agent_chunk', token: '0b8f6c1e-77aa-4d0c-9c39-5a5e9e1f2b3c' },
    { type: 'agent_chunk', token: `\tsee\n"${KNOWN}\n` },
    { type: 'agent_chunk', payload: { token: 'said' }, token: 'besides' },
    { type: 'agent_chunk', token: 'spoken', session_token: 'unspoken' },
    { type: 'signed_in', token: 'short' },
  ];

  test('stays hidden although it is called a token', async () => {
    const url = await socketServer(closers, (socket) => {
      socket.send('{"type":"hello"}');
      for (const frame of FRAMES) socket.send(JSON.stringify(frame));
    });
    const lab = socketLab(closers, url, { target: streaming() });
    for (const secret of [OWN, KNOWN]) lab.recorder.vault.add(secret);
    await lab.connect();
    await until(() => lab.told.length === FRAMES.length + 1);
    await lab.lines();
    const text = readFileSync(lab.recorder.journal.path, 'utf8');
    for (const secret of [OWN, JWT, KNOWN, FRAMES[3]?.token, FRAMES[4]?.token])
      expect(text).toContain(`[redacted:${credentialHash(secret ?? '')}]`);
    for (const hidden of ['besides', 'unspoken', 'short', 'Zx81', '0b8f6c1e', KNOWN, OWN])
      expect(text).not.toContain(`"${hidden}`);
    for (const said of ['"said"', '"spoken"']) expect(text).toContain(said);
  });
});

test('pieces of a marker, however long, and what counts tokens stay readable', async () => {
  const marker = mintMarker(userPrefix(PREFIX, 1), 'question', 1);
  const frames = [
    { type: 'agent_chunk', token: marker.slice(0, 30), token_count: 30 },
    { type: 'agent_chunk', token: marker.slice(12), tokens: 17 },
    {
      type: 'agent_chunk',
      token: ' the\t\u0001"\n',
      usage: { prompt_tokens: 5, total_tokens: '22' },
    },
    { type: 'agent_completed', tokens: ['a', 'b'], token: 12, max_token: 'x' },
  ].map((frame) => JSON.stringify(frame));
  const url = await socketServer(closers, (socket) => {
    for (const frame of ['{"type":"hello"}', ...frames]) socket.send(frame);
  });
  const lab = socketLab(closers, url, { target: streaming() });
  await lab.connect();
  await until(() => lab.told.length === frames.length + 1);
  await lab.lines();
  const text = readFileSync(lab.recorder.journal.path, 'utf8');
  for (const frame of frames) expect(text).toContain(frame);
});
