import { randomInt } from 'node:crypto';

/**
 * Markers: planted, unguessable, inert text that names its owner (DESIGN §3.2).
 *
 * Layout, all in one alphabet of 30 letters and digits without vowels (so that no word can arise, and
 * JSON, URLs, HTML and case folding leave it alone):
 *
 * | part | characters | means |
 * | --- | --- | --- |
 * | `xtk` | 3 | says "marker" |
 * | campaign | 7 | random, unique to the campaign |
 * | user | 4 | index of the user, base 30 |
 * | place | 1 | where it was planted |
 * | ordinal | 2 | which one of that place (question number), base 30 |
 * | random | 20 | 98 random bits |
 * | check | 1 | Luhn mod 30 over all before it |
 *
 * The first two parts are the campaign prefix, the first three a user's marker prefix. Finding the
 * prefix is enough to know the owner: no list of users is needed, and cost does not grow with N.
 */
export const ALPHABET = '0123456789bcdfghjklmnpqrstvwxz';
const BASE = ALPHABET.length;

export const MARKER_WORD = 'xtk';
const CAMPAIGN_LENGTH = 7;
const USER_LENGTH = 4;
const ORDINAL_LENGTH = 2;
const RANDOM_LENGTH = 20;

export const CAMPAIGN_PREFIX_LENGTH = MARKER_WORD.length + CAMPAIGN_LENGTH;
export const USER_PREFIX_LENGTH = CAMPAIGN_PREFIX_LENGTH + USER_LENGTH;
export const MARKER_LENGTH = USER_PREFIX_LENGTH + 1 + ORDINAL_LENGTH + RANDOM_LENGTH + 1;
/** A cut-off marker counts when it names its user and shows this much more. */
export const CUT_OFF_LENGTH_MIN = USER_PREFIX_LENGTH + 6;

/** Highest user index + 1 that a marker can name. */
export const USERS_MAX = BASE ** USER_LENGTH;
/** Highest ordinal + 1 of one place; questions beyond it start again at 0. */
export const ORDINALS_MAX = BASE ** ORDINAL_LENGTH;

/** Where a marker was planted, and the letter that says so. */
export const PLACES = {
  name: 'n',
  question: 'q',
  note: 't',
  title: 'h',
  tool: 'l',
  probe: 'p',
} as const;
export type Place = keyof typeof PLACES;

const PLACE_BY_LETTER = new Map<string, Place>(
  // oxlint-disable-next-line no-unsafe-type-assertion -- the keys of PLACES are the places
  Object.entries(PLACES).map(([place, letter]) => [letter, place as Place]),
);

/** What a whole marker says of itself. */
export interface MarkerParts {
  readonly userIndex: number;
  readonly place: Place;
  readonly ordinal: number;
}

function randomText(length: number): string {
  let text = '';
  for (let i = 0; i < length; i += 1) text += ALPHABET[randomInt(BASE)];
  return text;
}

function encodeNumber(value: number, length: number): string {
  let rest = value;
  let text = '';
  for (let i = 0; i < length; i += 1) {
    text = ALPHABET.charAt(rest % BASE) + text;
    rest = Math.floor(rest / BASE);
  }
  return text;
}

function decodeNumber(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i += 1) value = value * BASE + valueAt(text, i);
  return value;
}

/** Value of each character of the alphabet by its code, −1 for every other. */
const VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < BASE; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value;

function valueAt(text: string, position: number): number {
  const code = text.charCodeAt(position);
  return code < 128 ? (VALUES[code] ?? -1) : -1;
}

/**
 * Luhn mod N (ISO/IEC 7812 generalised to base 30) over the first `length` characters: catches every
 * single change and most swaps. −1 if one of them is not of the alphabet.
 */
function checkValue(text: string, length: number): number {
  let factor = 2;
  let sum = 0;
  for (let i = length - 1; i >= 0; i -= 1) {
    const value = valueAt(text, i);
    if (value === -1) return -1;
    const addend = factor * value;
    factor = factor === 2 ? 1 : 2;
    sum += addend < BASE ? addend : 1 + (addend - BASE);
  }
  return (BASE - (sum % BASE)) % BASE;
}

/** A new campaign prefix: `xtk` and seven random characters, from the system's random source. */
export function newCampaignPrefix(): string {
  return MARKER_WORD + randomText(CAMPAIGN_LENGTH);
}

/** The beginning of every marker of one user of a campaign. */
export function userPrefix(campaignPrefix: string, userIndex: number): string {
  if (userIndex < 0 || userIndex >= USERS_MAX)
    throw new RangeError(`user index ${userIndex} is not in 0…${USERS_MAX - 1}`);
  return campaignPrefix + encodeNumber(userIndex, USER_LENGTH);
}

/** A new marker of a user for a place. Random, so a marker of one seed says nothing about another's. */
export function mintMarker(markerPrefix: string, place: Place, ordinal: number): string {
  const body =
    markerPrefix +
    PLACES[place] +
    encodeNumber(ordinal % ORDINALS_MAX, ORDINAL_LENGTH) +
    randomText(RANDOM_LENGTH);
  return body + ALPHABET.charAt(checkValue(body, body.length));
}

/** Index of the user a text names that begins with a campaign prefix; -1 if it names none. */
export function userIndexOf(text: string): number {
  if (text.length < USER_PREFIX_LENGTH) return -1;
  for (let i = CAMPAIGN_PREFIX_LENGTH; i < USER_PREFIX_LENGTH; i += 1)
    if (!ALPHABET.includes(text.charAt(i))) return -1;
  return decodeNumber(text.slice(CAMPAIGN_PREFIX_LENGTH, USER_PREFIX_LENGTH));
}

/** Whether a text is a whole marker (lower case, no separators), of whatever campaign. */
export function isMarker(text: string): boolean {
  return text.startsWith(MARKER_WORD) && parseMarker(text) !== undefined;
}

/** Reads a whole marker (lower case, no separators), or undefined if the check character is wrong. */
export function parseMarker(text: string): MarkerParts | undefined {
  if (text.length !== MARKER_LENGTH) return undefined;
  const check = checkValue(text, MARKER_LENGTH - 1);
  if (check === -1 || check !== valueAt(text, MARKER_LENGTH - 1)) return undefined;
  const place = PLACE_BY_LETTER.get(text.charAt(USER_PREFIX_LENGTH));
  if (place === undefined) return undefined;
  const ordinal = decodeNumber(
    text.slice(USER_PREFIX_LENGTH + 1, USER_PREFIX_LENGTH + 1 + ORDINAL_LENGTH),
  );
  return { userIndex: userIndexOf(text), place, ordinal };
}
