/**
 * Decoded views of a text: what a reader would see after undoing one layer of escaping or encoding.
 * Views are made only when the text shows the layer's own signs, so ordinary frames cost nothing.
 */

/** Undoes JSON and JavaScript string escapes, without needing the text to be a whole JSON value. */
export function unescapeJson(text: string): string {
  return text.replace(
    /\\(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2})|(.))/gi,
    (_whole, braced?: string, four?: string, two?: string, single?: string) => {
      const digits = braced ?? four ?? two;
      if (digits !== undefined) return codePoint(Number.parseInt(digits, 16));
      // `\n`, `\t` … become a space: what matters is that they separate words.
      return single !== undefined && '"\\/\''.includes(single) ? single : ' ';
    },
  );
}

/** Undoes percent-encoding; malformed sequences stay as they are. `+` is left alone. */
export function decodePercent(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (sequence) =>
    Buffer.from(sequence.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

/** Undoes numeric character references; named ones never stand for a letter or digit of a marker. */
export function decodeCharacterReferences(text: string): string {
  return text.replace(
    /&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));?/gi,
    (_whole, hex?: string, ten?: string) =>
      codePoint(hex === undefined ? Number(ten) : Number.parseInt(hex, 16)),
  );
}

/** Removes characters that are not seen: zero-width spaces and joiners, soft hyphens, direction marks. */
export function stripInvisible(text: string): string {
  return text.replace(
    /[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]/g,
    '',
  );
}

/** Compatibility forms (full-width, mathematical, circled letters) to plain ones. */
export function toPlainLetters(text: string): string {
  return text.normalize('NFKC');
}

/** A piece that was cut out of a longer base64 text may begin in the middle of a group of four. */
const BASE64_OFFSETS = 4;

/** All readings of a run of base64 (either alphabet), one per possible alignment. */
export function decodeBase64(run: string): string[] {
  const readings: string[] = [];
  for (let offset = 0; offset < BASE64_OFFSETS; offset += 1)
    readings.push(Buffer.from(run.slice(offset), 'base64').toString('latin1'));
  return readings;
}

/** Both readings of a run of hexadecimal digits. */
export function decodeHex(run: string): string[] {
  const readings: string[] = [];
  for (let offset = 0; offset < 2; offset += 1)
    readings.push(Buffer.from(run.slice(offset), 'hex').toString('latin1'));
  return readings;
}

function codePoint(value: number): string {
  return value <= 0x10ffff ? String.fromCodePoint(value) : ' ';
}
