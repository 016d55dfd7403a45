import { ALPHABET } from '../history/markers.ts';
import { makeCast } from './cast.ts';
import { markerlessText, textOf, type Pick } from './random-texts.ts';
import { eventsOf } from './wire.ts';

/** A text of about so many bytes, to search through. */
interface ScannedText {
  readonly name: string;
  make(bytes: number, campaignPrefix: string, pick: Pick): string;
}

/** Repeats what is made until it is long enough. */
function filled(bytes: number, make: () => string): string {
  const parts: string[] = [];
  for (let length = 0; length < bytes;) {
    const part = make();
    parts.push(part);
    length += part.length;
  }
  return parts.join('');
}

function randomBytes(length: number, pick: Pick): Buffer {
  return Buffer.from(Array.from({ length }, () => pick(256)));
}

/** What a target may send: the usual, the large, and what is made to keep a search busy. */
export const SCANNED_TEXTS: readonly ScannedText[] = [
  {
    name: 'plain JSON frames',
    make: (bytes) => {
      const [person] = makeCast(1, 1).people;
      const [asked] = person?.questions ?? [];
      if (person === undefined || asked === undefined) throw new Error('the cast is empty');
      const frames = eventsOf(person, asked, 0).map(({ text }) => text);
      return filled(bytes, () => `${frames.join('\n')}\n`);
    },
  },
  {
    name: 'base64 of random bytes',
    make: (bytes, _prefix, pick) => randomBytes(Math.ceil(bytes * 0.75), pick).toString('base64'),
  },
  {
    name: 'base64 of text',
    make: (bytes, _prefix, pick) =>
      Buffer.from(textOf(`${ALPHABET} ,.`, Math.ceil(bytes * 0.75), pick)).toString('base64'),
  },
  {
    name: 'hex of random bytes',
    make: (bytes, _prefix, pick) => randomBytes(Math.ceil(bytes / 2), pick).toString('hex'),
  },
  {
    name: 'hex of hex of text',
    make: (bytes, _prefix, pick) => {
      const inner = Buffer.from(textOf(ALPHABET, Math.ceil(bytes / 4), pick)).toString('hex');
      return Buffer.from(inner).toString('hex');
    },
  },
  {
    name: 'beginnings of markers without end',
    make: (bytes, prefix, pick) =>
      filled(bytes, () => `${prefix}${textOf(ALPHABET, pick(9), pick)}${'-'.repeat(pick(4))}a`),
  },
  {
    name: 'prefixes one character short',
    make: (bytes, prefix) => filled(bytes, () => `${prefix.slice(0, -1)}a`),
  },
  {
    name: 'markers with a wrong check character',
    make: (bytes, prefix, pick) => filled(bytes, () => markerlessText('wrong check', prefix, pick)),
  },
  {
    name: 'escapes nested deeply',
    make: (bytes) => filled(bytes, () => `${'\\'.repeat(64)}u005cu0078%25%32%35&amp;#120;`),
  },
  { name: 'nothing but backslashes', make: (bytes) => '\\'.repeat(bytes) },
  { name: 'references that never end', make: (bytes) => filled(bytes, () => '&#x0&lt&#0') },
  {
    name: 'letters that expand when made plain',
    make: (bytes) => filled(bytes / 3, () => '\ufdfa\u200b'),
  },
];
