/**
 * Tolerant reading of frames: whatever a target sends is narrowed here, once, from `unknown`. Nothing
 * in this file throws, recurses, or looks deeper than the path it was given.
 */

/** A JSON object whose fields are not known yet. */
export type Frame = Readonly<Record<string, unknown>>;

/** Ids longer than this are no ids: they would only bloat every line of a history. */
const ID_LENGTH_MAX = 512;
/** Numbers below this are Unix seconds, above it Unix milliseconds (the year 2001 in milliseconds). */
const UNIX_MS_MIN = 1e12;
/** The year 2100 in milliseconds; what lies beyond is no timestamp. */
const UNIX_MS_MAX = 4_102_444_800_000;
const ISO_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/;

/** The value as an object, or undefined for anything else (arrays too). */
export function asFrame(value: unknown): Frame | undefined {
  return isFrame(value) ? value : undefined;
}

/** The object at a path of field names below a frame; the frame itself for the empty path. */
export function frameAt(frame: unknown, path: readonly string[]): Frame | undefined {
  let current = asFrame(frame);
  for (const name of path) current = asFrame(fieldOf(current, name));
  return current;
}

/** The value of a frame's own field; nothing is read from prototypes. */
export function fieldOf(frame: Frame | undefined, name: string): unknown {
  return frame !== undefined && Object.hasOwn(frame, name) ? frame[name] : undefined;
}

/** A field that holds a non-empty text of bearable length. */
export function textOf(frame: Frame | undefined, name: string): string | undefined {
  return asText(fieldOf(frame, name));
}

/** The value if it is a non-empty text of bearable length. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= ID_LENGTH_MAX
    ? value
    : undefined;
}

/** An id: a text, or an integer that JSON carries exactly. */
export function idOf(frame: Frame | undefined, name: string): string | undefined {
  const value = fieldOf(frame, name);
  return Number.isSafeInteger(value) ? String(value) : textOf(frame, name);
}

/** A field that holds an integer, as a number. */
export function integerOf(frame: Frame | undefined, name: string): number | undefined {
  return asInteger(fieldOf(frame, name));
}

/** The value if it is an integer that JSON carries exactly. */
export function asInteger(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** The first result that is not undefined, in the order of the frames and then of the names. */
export function firstOf<T>(
  read: (frame: Frame | undefined, name: string) => T | undefined,
  frames: readonly (Frame | undefined)[],
  names: readonly string[],
): T | undefined {
  for (const frame of frames) {
    for (const name of names) {
      const found = read(frame, name);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** `2026-01-02T03:04:05.678Z`: how most services write time. */
const USUAL_LENGTH = 24;
const MINUTE_LENGTH = 16;

/** Events come in bursts, so nearly every timestamp shares its minute with the one before. */
let lastMinute = { text: '', unixMs: 0 };

function isUsual(text: string): boolean {
  return text.length === USUAL_LENGTH && text.charCodeAt(USUAL_LENGTH - 1) === 90;
}

function minuteOf(text: string): number {
  return Date.parse(`${text.slice(0, MINUTE_LENGTH)}:00.000Z`);
}

/** The time of a usual text of the minute seen last, by its digits alone; undefined for any other. */
function sameMinute(text: string): number | undefined {
  if (!isUsual(text) || lastMinute.text === '' || !text.startsWith(lastMinute.text))
    return undefined;
  if (text.charCodeAt(16) !== COLON || text.charCodeAt(19) !== DOT) return undefined;
  const seconds = digitAt(text, 17) * 10 + digitAt(text, 18);
  const ms = digitAt(text, 20) * 100 + digitAt(text, 21) * 10 + digitAt(text, 22);
  // Not a number where any of them is no digit: then it is neither below 60 nor above -1.
  return seconds < 60 && ms >= 0 ? lastMinute.unixMs + seconds * 1_000 + ms : undefined;
}

const COLON = 0x3a;
const DOT = 0x2e;
const ZERO = 0x30;

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : Number.NaN;
}

/**
 * A timestamp in Unix milliseconds: from Unix seconds, Unix milliseconds, or an ISO 8601 text. A text
 * without a zone is read as UTC, which is what services in containers mean by it.
 */
export function unixMsOf(frame: Frame | undefined, name: string): number | undefined {
  return asUnixMs(fieldOf(frame, name));
}

/** The value as a timestamp; see {@link unixMsOf}. */
export function asUnixMs(value: unknown): number | undefined {
  if (typeof value === 'number') return bounded(value < UNIX_MS_MIN ? value * 1_000 : value);
  if (typeof value !== 'string') return undefined;
  const quick = sameMinute(value);
  if (quick !== undefined) return quick;
  const match = ISO_TIME.exec(value);
  if (match === null) return undefined;
  if (isUsual(value)) lastMinute = { text: value.slice(0, MINUTE_LENGTH), unixMs: minuteOf(value) };
  return bounded(Date.parse(match[1] === undefined ? `${value.replace(' ', 'T')}Z` : value));
}

function bounded(unixMs: number): number | undefined {
  return unixMs > 0 && unixMs < UNIX_MS_MAX ? unixMs : undefined;
}

function isFrame(value: unknown): value is Frame {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
