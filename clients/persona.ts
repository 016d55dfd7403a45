import { createHash, randomBytes } from 'node:crypto';
import { faker } from '@faker-js/faker/locale/en';
import {
  ALPHABET,
  CAMPAIGN_PREFIX_LENGTH,
  mintMarker,
  userPrefix,
  type Place,
} from '../history/markers.ts';
import type { Account, Target } from '../targets/target.ts';
import type { UsersFileEntry } from './plan.ts';

/** What all personas of a trial have in common. */
export interface PersonaSettings {
  readonly seed: string;
  readonly campaignPrefix: string;
  /** Tells this trial from the campaign's others, so that no two trials make the same account. */
  readonly trial: string;
  readonly names: Target['names'];
  readonly variants: readonly string[];
  /** People who exist already, in the order of the users; null makes new ones. */
  readonly entries: readonly UsersFileEntry[] | null;
  /**
   * Users as alike as can be: display names that look the same and differ in their markers and in code
   * points alone, one title for all, and in groups of four mail names of which one is the beginning or
   * the end of the others (`anna`, `anna-b`, `anna_b`, `private-anna`).
   */
  readonly alike?: boolean;
  /** Questions of one wording differ in capitals and spaces as well, as those of people do. */
  readonly nearQuestions?: boolean;
}

/** A question to ask, and the marker planted in it (absent for equal questions). */
export interface PlannedQuestion {
  readonly content: string;
  readonly marker: string | undefined;
}

/** A text with the marker planted in it. */
export interface PlantedText {
  readonly text: string;
  readonly marker: string;
}

/** A text that is the same for all users when they are to be alike; then it holds no marker. */
export interface Title {
  readonly text: string;
  readonly marker: string | undefined;
}

/**
 * Who a simulated user is: an account, and everything this person will ever say. What is said depends
 * on seed and index alone; markers and passwords come from the system's random source and repeat never.
 */
export interface Persona {
  readonly index: number;
  readonly account: Account;
  /** Beginning of all of this user's markers. */
  readonly markerPrefix: string;
  /** Marker in the display name; undefined where the account exists already under its own name. */
  readonly nameMarker: string | undefined;
  /** The question with this ordinal, counted from 1. */
  question(ordinal: number): PlannedQuestion;
  title(): Title;
  note(): PlantedText;
}

/** Attempts to draw a text without any of the words a target wants avoided. */
const DRAWS_MAX = 50;
/** Characters of an e-mail's local part that the trial decides. */
const TRIAL_LENGTH = 4;
const PASSWORD_BYTES = 18;
/** Personas of one seed are the same whatever else draws from the generator. */
const COLOUR_FALLBACK = 'grey';
const NAME_FALLBACK = 'Robin Moss';

/** Names, tails and questions of the variant `unicode-names`: several scripts, both directions, emoji. */
const NAMES_OF_MANY_SCRIPTS = [
  'Zoë Ångström 🦊',
  'Γιώργος Νικολάου ✨',
  'Владимир Ефимов',
  '佐藤 さくら 🌸',
  'محمد العربي',
  'שרה לוי 🕊️',
  'अनीता शर्मा',
  '김민준',
  'Nguyễn Thị Hương',
  'ไพลิน สุขใจ 👩🏽‍🚀',
] as const;

/** Makes the personas of a trial; `personaOf(index)` of one maker may be called in any order. */
export function personaMaker(settings: PersonaSettings): (index: number) => Persona {
  const shared: Shared = {
    settings,
    clean: avoiding(settings.names.avoidWords),
    unicode: settings.variants.includes('unicode-names'),
    equalQuestions: settings.variants.includes('equal-questions'),
  };
  const seed = createHash('sha256').update(settings.seed).digest().readUInt32LE(0);
  return (index) => {
    // Neighbouring indices lead to unrelated draws: a multiple of 2^32 divided by the golden ratio.
    faker.seed((seed + Math.imul(index, 0x9e3779b1)) >>> 0);
    return new MadePersona(shared, index);
  };
}

interface Shared {
  readonly settings: PersonaSettings;
  readonly clean: (draw: () => string) => string;
  readonly unicode: boolean;
  readonly equalQuestions: boolean;
}

/** Lean, for there may be ten thousand: what all share is referred to, texts are made when asked for. */
class MadePersona implements Persona {
  readonly index: number;
  readonly account: Account;
  readonly markerPrefix: string;
  readonly nameMarker: string | undefined;
  readonly #shared: Shared;
  readonly #colour: string;
  readonly #animal: string;

  constructor(shared: Shared, index: number) {
    const { settings, clean, unicode } = shared;
    const { colour, animal, name } = drawColour(clean);
    const entry = settings.entries?.[index];
    this.#shared = shared;
    this.index = index;
    this.#colour = colour;
    this.#animal = animal;
    this.markerPrefix = userPrefix(settings.campaignPrefix, index);
    this.nameMarker = entry === undefined ? this.#mint('name', 0) : undefined;
    const likeName = settings.alike === true ? twinOf(index) : name;
    const shownName = unicode
      ? (NAMES_OF_MANY_SCRIPTS[index % NAMES_OF_MANY_SCRIPTS.length] ?? likeName)
      : likeName;
    const marker = this.nameMarker ?? '';
    // Of a name others are shown the first word or the first letters; those of users who are alike are the same.
    const marked = settings.alike === true ? `${shownName} ${marker}` : `${marker} ${shownName}`;
    this.account = entry === undefined ? newAccount(settings, index, marked) : knownAccount(entry);
  }

  question(ordinal: number): PlannedQuestion {
    const { equalQuestions, unicode, settings } = this.#shared;
    if (equalQuestions) return { content: EQUAL_QUESTION, marker: undefined };
    const { index } = this;
    const marker = this.#mint('question', ordinal);
    const question = markedQuestion(marker, { index, ordinal, unicode });
    if (settings.nearQuestions !== true) return question;
    return {
      ...question,
      content: respelled(question.content, { marker, index: index + ordinal }),
    };
  }

  title(): Title {
    if (this.#shared.settings.alike === true) return { text: EQUAL_TITLE, marker: undefined };
    const marker = this.#mint('title', 0);
    return { text: `${marker}, my ${this.#colour} list`, marker };
  }

  note(): PlantedText {
    const marker = this.#mint('note', 0);
    return { text: `${marker} is what my ${this.#colour} ${this.#animal} answers to.`, marker };
  }

  #mint(place: Place, ordinal: number): string {
    const mint = (): string => mintMarker(this.markerPrefix, place, ordinal);
    return this.#shared.clean(mint) || mint();
  }
}

/** One name to the eye: composed, decomposed, with a Cyrillic letter, in capitals, with a joiner. */
const TWINS = [
  'Zoë Moss',
  'Zoe\u0308 Moss',
  'Z\u043eë Moss',
  'ZOË MOSS',
  'Zoë\u200d Moss',
] as const;

function twinOf(index: number): string {
  return TWINS[index % TWINS.length] ?? NAME_FALLBACK;
}

/** What a mail name of a group of four has around the name that all four share. */
const MAIL_TWINS = [
  { before: '', after: '' },
  { before: '', after: '-b' },
  { before: '', after: '_b' },
  { before: 'private-', after: '' },
] as const;

/** The same words with other capitals and spaces; the marker, with which they begin, stays as it is. */
function respelled(
  question: string,
  { marker, index }: { readonly marker: string; readonly index: number },
): string {
  const words = question.slice(marker.length);
  const word = words.trimStart().split(' ')[index % 4] ?? '';
  const loud = words.replace(word, word.toUpperCase());
  return marker + loud.replaceAll(' ', index % 2 === 0 ? ' ' : '  ');
}

const EQUAL_TITLE = 'My list';
const EQUAL_QUESTION = 'What does my note say about the animal I keep, and what is its name?';

/**
 * The same words for all users and rounds but the number and the marker (DESIGN §3.4). The marker comes first:
 * of a question others are shown its beginning, as the title of a chat or what an agent says that it is about.
 */
function markedQuestion(
  marker: string,
  about: { readonly index: number; readonly ordinal: number; readonly unicode: boolean },
): PlannedQuestion {
  const number = 1_000 + about.index * 100 + about.ordinal;
  const content = about.unicode
    ? `${marker}: für Auftrag ${number} 🐾 — ماذا تقول ملاحظتي؟ 私のメモ «מה כתוב»?`
    : `${marker} is my reference: please read my note for order ${number} and repeat the reference in your answer.`;
  return { content, marker };
}

function drawColour(clean: (draw: () => string) => string): {
  readonly colour: string;
  readonly animal: string;
  readonly name: string;
} {
  return {
    colour: clean(() => faker.color.human()) || COLOUR_FALLBACK,
    animal: clean(() => faker.animal.type()) || 'cat',
    name: clean(() => `${faker.person.firstName()} ${faker.person.lastName()}`) || NAME_FALLBACK,
  };
}

/** Draws until a text holds none of the words; empty when none was found, which callers replace. */
function avoiding(words: readonly string[]): (draw: () => string) => string {
  return (draw) => {
    for (let attempt = 0; attempt < DRAWS_MAX; attempt += 1) {
      const text = draw();
      const lower = text.toLowerCase();
      if (!words.some((word) => lower.includes(word))) return text;
    }
    return '';
  };
}

/**
 * The local part is one run of letters and digits without vowels: four that name the user (no two users
 * begin alike), the campaign's seven, and four of the trial (NETRA-WIRE 2.2, 5.4).
 */
function newAccount(settings: PersonaSettings, index: number, name: string): Account {
  const { campaignPrefix, trial, names } = settings;
  // The others of a group are named after its first: whoever compares beginnings takes one for another.
  const twin = settings.alike === true ? index % MAIL_TWINS.length : 0;
  const { before, after } = MAIL_TWINS[twin] ?? MAIL_TWINS[0];
  const user = userPrefix(campaignPrefix, index - twin).slice(CAMPAIGN_PREFIX_LENGTH);
  const campaign = campaignPrefix.slice(CAMPAIGN_PREFIX_LENGTH - 7);
  const local = `${before}${user}${campaign}${charactersOf(trial, TRIAL_LENGTH)}${after}`;
  // One of each class that a strength rule may ask for, then 144 random bits.
  const password = `Xq7-${randomBytes(PASSWORD_BYTES).toString('base64url')}`;
  return { email: `${local}@${names.mailDomain}`, name, password };
}

function charactersOf(text: string, length: number): string {
  const digest = createHash('sha256').update(text).digest();
  let characters = '';
  for (let i = 0; i < length; i += 1)
    characters += ALPHABET.charAt((digest[i] ?? 0) % ALPHABET.length);
  return characters;
}

/** An account from a users file; the token's own claim stands in for an e-mail that is not given. */
function knownAccount(entry: UsersFileEntry): Account {
  const email = entry.email ?? emailInToken(entry.token) ?? '';
  return { ...entry, email, name: entry.name ?? email };
}

/** The `email` a JWT claims, unverified; undefined for any other token. */
function emailInToken(token: string | undefined): string | undefined {
  const payload = token?.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null || !('email' in claims)) return undefined;
    return typeof claims.email === 'string' ? claims.email : undefined;
  } catch {
    return undefined; // Not a JWT, so it claims nothing.
  }
}
