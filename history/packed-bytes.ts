import type { Span } from './decoded-view.ts';
import { constants, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';

/** Bytes that are unpacked of one text or message: what a target sends may unfold to anything. */
export const UNPACKED_BYTES_MAX = 1024 * 1024;

/** gzip, deflate: what the format says of itself. */
const GZIP = [0x1f, 0x8b, 0x08] as const;
const DEFLATE = 0x78;
const DEFLATE_CHECK = 31;

/** What gzip begins with in base64, whatever it holds, and what deflate does. */
const GZIP_IN_BASE64 = 'H4sI';
const DEFLATE_IN_BASE64 = /^e[AFJN]/;

/** The same in hexadecimal digits, and as numbers one after the other; deflate only where they begin. */
const PACKED_IN_HEX = /1f8b08|^(?:0?x)?78(?:01|5e|9c|da)/i;
const HEX_PREFIX = /^0?x/i;
const PACKED_IN_NUMBERS =
  /\b31\s*,\s*(?:"\d{1,7}"\s*:\s*)?139\s*,\s*(?:"\d{1,7}"\s*:\s*)?8\s*,|(?<=[[:]\s*)120\s*,\s*(?:"1"\s*:\s*)?(?:1|94|156|218)\s*,/g;
/** A number of a list, with the place that JavaScript may write before it. */
const NUMBER_OF_LIST = /\s*(?:"\d{1,7}"\s*:\s*)?(\d{1,3})\b\s*,?/y;

/** Where packed bytes may begin in a run of hexadecimal digits; −1 where nothing looks like it. */
export function packedInHexAt(run: string): number {
  const found = PACKED_IN_HEX.exec(run);
  return found === null ? -1 : found.index + (HEX_PREFIX.exec(found[0])?.[0].length ?? 0);
}

/** Where packed bytes may begin in a run of base64; −1 where nothing looks like it. */
export function packedAt(run: string): number {
  return DEFLATE_IN_BASE64.test(run) ? 0 : run.indexOf(GZIP_IN_BASE64);
}

/** What packed bytes hold, as far as they go; undefined where they are none, or hold too much. */
export function unpacked(bytes: Buffer, bytesMax: number): Buffer | undefined {
  const unpack = unpackerOf(bytes);
  if (unpack === undefined || bytesMax <= 0) return undefined;
  try {
    // What was cut off is unpacked up to there.
    return unpack(bytes, { maxOutputLength: bytesMax, finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return undefined; // It only began like packed bytes.
  }
}

/** Taken from what may be unpacked where nothing came of it, and besides what did: it has taken its time as well. */
const UNPACKED_IN_VAIN = UNPACKED_BYTES_MAX / 64;
const UNPACKED_EACH = UNPACKED_BYTES_MAX / 4_096;

/** Unpacks what was written in base64, in hexadecimal digits or as numbers, and no more than {@link UNPACKED_BYTES_MAX} of one text, whatever it holds. */
export class Unpacker {
  #left = UNPACKED_BYTES_MAX;

  /** Another text begins. */
  begin(): void {
    this.#left = UNPACKED_BYTES_MAX;
  }

  /** What a run of base64 holds packed, and where in the run that begins; undefined where there is nothing. */
  inBase64(run: string): { readonly at: number; readonly bytes: Buffer } | undefined {
    const at = packedAt(run);
    const bytes = at === -1 ? undefined : this.#unpacked(Buffer.from(run.slice(at), 'base64'));
    return bytes && { at, bytes };
  }

  /** The same of a run of hexadecimal digits. */
  inHex(run: string): { readonly at: number; readonly bytes: Buffer } | undefined {
    const at = packedInHexAt(run);
    const bytes = at === -1 ? undefined : this.#unpacked(Buffer.from(run.slice(at), 'hex'));
    return bytes && { at, bytes };
  }

  /** What lists of numbers in a text hold packed, and where they stand. */
  *inNumbers(text: string): Generator<Span & { readonly bytes: Buffer }> {
    for (let from = 0; this.#left > 0;) {
      PACKED_IN_NUMBERS.lastIndex = from;
      const start = PACKED_IN_NUMBERS.exec(text)?.index;
      if (start === undefined) return;
      const { numbers, end } = numbersFrom(text, start);
      const bytes = this.#unpacked(Buffer.from(numbers));
      if (bytes !== undefined) yield { start, end, bytes };
      from = end;
    }
  }

  #unpacked(packed: Buffer): Buffer | undefined {
    const bytes = unpacked(packed, this.#left);
    const gained = bytes?.length ?? 0;
    this.#left -= gained === 0 ? UNPACKED_IN_VAIN : gained + UNPACKED_EACH;
    return bytes;
  }
}

/** A list of numbers from one of them on, no more than may be unpacked, and where it ends. */
function numbersFrom(text: string, start: number): { numbers: readonly number[]; end: number } {
  const numbers: number[] = [];
  let end = start;
  while (numbers.length < UNPACKED_BYTES_MAX) {
    NUMBER_OF_LIST.lastIndex = end;
    const number = NUMBER_OF_LIST.exec(text);
    if (number === null) break;
    numbers.push(Number(number[1]));
    end = NUMBER_OF_LIST.lastIndex;
  }
  return { numbers, end };
}

/** Other bytes, packed in the way that some were. */
export function packedLike(packed: Buffer, bytes: Buffer): Buffer {
  return unpackerOf(packed) === gunzipSync ? gzipSync(bytes) : deflateSync(bytes);
}

function unpackerOf(bytes: Buffer): typeof gunzipSync | undefined {
  if (GZIP.every((byte, at) => bytes[at] === byte)) return gunzipSync;
  const [first, second = 0] = bytes;
  return first === DEFLATE && (first * 256 + second) % DEFLATE_CHECK === 0
    ? inflateSync
    : undefined;
}

/** Characters of the 16 bytes of a UUID in base64, without what it is filled up with. */
export const UUID_IN_BASE64 = 22;
const UUID_BYTES = 16;

/** The UUID whose bytes a run of {@link UUID_IN_BASE64} characters is; undefined where it is none. */
export function uuidInBase64(run: string): string | undefined {
  // The last character stands for two bits only.
  if (!/[AQgw]$/.test(run)) return undefined;
  const bytes = Buffer.from(run, 'base64');
  return bytes.length === UUID_BYTES ? uuidAt(bytes, 0) : undefined;
}

/** Every UUID that may stand in a message of bytes, at any place. */
export function* uuidsIn(bytes: Buffer): Generator<string> {
  for (let at = 0; at + UUID_BYTES <= bytes.length; at += 1) {
    const version = (bytes[at + 6] ?? 0) >> 4;
    const isVariant = ((bytes[at + 8] ?? 0) & 0xc0) === 0x80;
    if (isVariant && version >= 1 && version <= 8) yield uuidAt(bytes, at);
  }
}

function uuidAt(bytes: Buffer, at: number): string {
  return bytes
    .toString('hex', at, at + UUID_BYTES)
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
