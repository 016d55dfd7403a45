import { randomBytes } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { packedAt, unpacked, uuidInBase64, uuidsIn } from '../../history/packed-bytes.ts';
import type { Finding } from '../../history/verdict.ts';
import { HistoryBuilder, type Line, type Person } from './history-builder.ts';

const bytesOf = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');
const notesOf = ({ note }: Person): string => JSON.stringify({ notes: ['one', note, 'two'] });

/** Violations after the first user received something made of what `whose` has. */
function received(make: (person: Person) => Line, whose = 'u01'): Finding[] {
  const story = new HistoryBuilder(3, { binaryMessages: true }).goldenPath();
  story.add('u00', { event: 'notice', ...make(story.person(whose)) });
  return story.verdict().findings.filter(({ severity }) => severity === 'violation');
}

const inJson = (text: string): Line => ({
  contentKind: 'frame',
  content: JSON.stringify({ type: 'notice', data: { blob: text } }),
});
const inBytes = (bytes: Buffer): Line => ({
  event: undefined,
  contentKind: 'base64',
  content: bytes.toString('base64'),
});
const among = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.of(0x81, 0xa2, 0xff), bytes, Buffer.of(0xc1)]);

const LEAKS: Readonly<Record<string, readonly [rule: string, make: (person: Person) => Line]>> = {
  'gzip in base64': [
    'foreign-marker',
    (person) => inJson(gzipSync(notesOf(person)).toString('base64')),
  ],
  'gzip in the base64 of URLs, behind something': [
    'foreign-marker',
    (person) => inJson(`blob/${gzipSync(notesOf(person)).toString('base64url')}`),
  ],
  'deflate in base64': [
    'foreign-marker',
    (person) => inJson(deflateSync(notesOf(person)).toString('base64')),
  ],
  'gzip in hexadecimal digits': [
    'foreign-marker',
    (person) => inJson(`\\x${gzipSync(notesOf(person)).toString('hex')}`),
  ],
  'deflate in hexadecimal digits': [
    'foreign-marker',
    (person) => inJson(`0x${deflateSync(notesOf(person)).toString('hex').toUpperCase()}`),
  ],
  'gzip as a buffer that Node wrote': [
    'foreign-marker',
    (person) => inJson(JSON.stringify({ raw: gzipSync(notesOf(person)) })),
  ],
  'gzip as an array of bytes that JavaScript wrote': [
    'foreign-marker',
    (person) => inJson(JSON.stringify(new Uint8Array(gzipSync(notesOf(person))))),
  ],
  'deflate as a list of numbers that Python wrote': [
    'foreign-marker',
    (person) => inJson(`[${[...deflateSync(notesOf(person))].join(', ')}]`),
  ],
  'a long list of numbers that is gzip': [
    'foreign-marker',
    (person) =>
      inJson(
        JSON.stringify(gzipSync(`${randomBytes(6_000).toString('latin1')} ${notesOf(person)}`)),
      ),
  ],
  'a message of gzip': ['foreign-marker', (person) => inBytes(gzipSync(notesOf(person)))],
  'a message of gzip that is cut off': [
    'foreign-marker',
    (person) => inBytes(gzipSync(`${notesOf(person)}${' some more'.repeat(9)}`).subarray(0, -12)),
  ],
  'an id by its bytes in base64': [
    'foreign-identity',
    (person) => inJson(bytesOf(person.id).toString('base64')),
  ],
  'an id by its bytes in the base64 of URLs': [
    'foreign-identity',
    (person) => inJson(bytesOf(person.id).toString('base64url')),
  ],
  'an id by its bytes in a message of bytes': [
    'foreign-identity',
    (person) => inBytes(among(bytesOf(person.id))),
  ],
};

describe.each(Object.entries(LEAKS))('%s', (_where, [rule, make]) => {
  test('of another is found', () => {
    const [finding, ...more] = received(make);
    expect(finding).toMatchObject({ rule: `isolation/${rule}`, observer: 'u00', owner: 'u01' });
    expect(more).toEqual([]);
  });

  test('of one’s own is one’s own', () => {
    expect(received(make, 'u00')).toEqual([]);
  });
});

test('what unfolds to too much is not unfolded', () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  expect(unpacked(bomb, 1024)).toBeUndefined();
  const began = performance.now();
  const many = Array.from({ length: 200 }, () => bomb.subarray(0, 3_000).toString('base64'));
  expect(received(() => inJson(many.join(' ')))).toEqual([]);
  const lists = '31,139,8,'.repeat(60_000);
  expect(received(() => inJson(`[${lists}0] [${'31,139,8,0],['.repeat(20_000)}0]`))).toEqual([]);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test.each(['H4sIAAAAAAAAA', 'eJw', 'eJxyz', 'H4sI'])('%s only begins like packed bytes', (run) => {
  expect(packedAt(run)).toBe(0);
  expect(unpacked(Buffer.from(run, 'base64'), 1024)?.toString() ?? '').not.toContain('x');
});

test('22 characters that are no UUID are none', () => {
  expect(uuidInBase64('ABCDEFGHIJKLMNOPQRSTUV')).toBeUndefined();
  expect(uuidInBase64('____________________AA'.slice(0, 21))).toBeUndefined();
  expect([...uuidsIn(Buffer.alloc(40))]).toEqual([]);
});
