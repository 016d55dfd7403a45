import { TextUnits } from '../history/text-units.ts';

/** Characters of a UUID with its dashes, and where those stand. */
const UUID_LENGTH = 36;
const DASH = 45;
const DASHES = [8, 13, 18, 23] as const;
/** Where each two hexadecimal digits of it begin. */
const PAIRS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;
/** Stands before the bytes of a UUID; a text that holds it cannot be shortened. */
const MARK = '\f';
const MARKED = /\f([^]{16})/g;
const MARK_CODE = MARK.charCodeAt(0);
/** Units from here on are no bytes. */
const WIDE_MIN = 0x100;

/** What a lower-case hexadecimal digit stands for; 16 for anything else. */
const DIGIT = new Uint8Array(WIDE_MIN).fill(16);
for (let value = 0; value < 16; value += 1) DIGIT[value.toString(16).charCodeAt(0)] = value;

const UNITS = new TextUnits();
let room = Buffer.allocUnsafeSlow(4_096);

/**
 * The text with each lower-case UUID in it as a character a byte, half as long; undefined where that cannot
 * be told apart. A text with characters beyond Latin-1 stays as it is.
 */
export function shortenUuids(text: string): string | undefined {
  if (text.includes(MARK)) return undefined;
  const units = UNITS.of(text);
  const { length } = text;
  if (room.length < length) room = Buffer.allocUnsafeSlow(length * 2);
  let used = 0;
  for (let at = 0; at < length;) {
    if (units[at + DASHES[0]] === DASH && isUuidAt(units, at, length)) {
      room[used] = MARK_CODE;
      used += 1;
      for (const pair of PAIRS) {
        room[used] = (digitAt(units, at + pair) << 4) | digitAt(units, at + pair + 1);
        used += 1;
      }
      at += UUID_LENGTH;
    } else {
      const unit = units[at] ?? 0;
      if (unit >= WIDE_MIN) return text;
      room[used] = unit;
      used += 1;
      at += 1;
    }
  }
  return room.toString('latin1', 0, used);
}

function isUuidAt(units: Uint16Array, at: number, length: number): boolean {
  if (at + UUID_LENGTH > length) return false;
  for (const dash of DASHES) if (units[at + dash] !== DASH) return false;
  for (const pair of PAIRS)
    if ((digitAt(units, at + pair) | digitAt(units, at + pair + 1)) > 15) return false;
  return true;
}

function digitAt(units: Uint16Array, at: number): number {
  return DIGIT[units[at] ?? 0] ?? 16;
}

/** What {@link shortenUuids} was given. */
export function restoreUuids(shortened: string): string {
  return shortened.replace(MARKED, (_marked, bytes: string) =>
    Buffer.from(bytes, 'latin1')
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  );
}
