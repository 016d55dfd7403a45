/**
 * Decoded views of a text: what a reader would see after undoing one layer of escaping or encoding.
 * Views are made only when the text shows the layer's own signs, so ordinary frames cost nothing.
 */

/** Undoes JSON and JavaScript string escapes, without needing the text to be a whole JSON value. */
export function unescapeJson(text: string): string {
  // The callback takes what `replace` gives: the match and its four groups.
  return text.replace(
    /\\(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2})|(.))/gi,
    (...[, braced, four, two, single]: (string | undefined)[]) => {
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

/** Zero-width characters, soft hyphens, direction marks; joiners and selectors that combine, apart. */
const INVISIBLE =
  /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]|\u034f|[\ufe00-\ufe0f]/g;

/** Removes characters that are not seen: zero-width spaces and joiners, soft hyphens, direction marks. */
export function stripInvisible(text: string): string {
  return text.replace(INVISIBLE, '');
}

/** Compatibility forms (full-width, mathematical, circled letters) to plain ones. */
export function toPlainLetters(text: string): string {
  return text.normalize('NFKC');
}

/** A run of base64 (either alphabet) as text, one character a byte. */
export function decodeBase64(run: string): string {
  return Buffer.from(run, 'base64').toString('latin1');
}

/** A run of hexadecimal digits as text, one character a byte. */
export function decodeHex(run: string): string {
  return Buffer.from(run, 'hex').toString('latin1');
}

function codePoint(value: number): string {
  return value <= 0x10ffff ? String.fromCodePoint(value) : ' ';
}
