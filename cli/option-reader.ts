import { didYouMean } from './nearest.ts';
import type { Mistakes } from './usage-error.ts';

/**
 * Options as they stand on the command line: a text, `true` for a flag or for an option whose value is
 * missing, a list for repeatable ones.
 */
export type RawOptions = Readonly<Record<string, unknown>>;

export interface NumberRule {
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
  /** Used when the option is absent. */
  readonly fallback: number;
  /** For the message; the fallback unless given. */
  readonly example?: number;
}

export interface DurationRule {
  readonly msMin: number;
  readonly msMax: number;
  /** For the message. */
  readonly example: string;
}

const MS_OF_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads options and notes every mistake instead of stopping at the first. */
export class OptionReader {
  readonly #raw: RawOptions;
  readonly #mistakes: Mistakes;

  constructor(raw: RawOptions, mistakes: Mistakes) {
    this.#raw = raw;
    this.#mistakes = mistakes;
  }

  /** Whether the option is there at all, with a value or without. */
  isGiven(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  flag(name: string): boolean {
    return this.#value(name) === true;
  }

  /** The value, or undefined when it is absent or (noted) empty. */
  text(name: string): string | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value !== '') return value;
    this.#refuseMissing(name, value);
    return undefined;
  }

  /** All values of a repeatable option. */
  texts(name: string): readonly string[] {
    const value = this.#value(name);
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== ''))
      return value.map(String);
    this.#refuseMissing(name, Array.isArray(value) ? value.find((item) => item === '') : value);
    return [];
  }

  /** All values of an option that may be repeated or hold a comma list, each once. */
  words(name: string): readonly string[] {
    const words = this.texts(name).flatMap((value) => this.#wordsOf(name, value));
    return [...new Set(words)];
  }

  /** What is empty between two commas was meant to be something, or is a slip. */
  #wordsOf(name: string, value: string): string[] {
    const words = value.split(',').map((word) => word.trim());
    const named = words.filter((word) => word !== '');
    if (named.length < words.length)
      this.#mistakes.add(
        'BAD_VALUE',
        `"--${name}" must be names with a comma between two of them, got "${value}" with an empty one. Remove the comma that is too many.`,
      );
    return named;
  }

  #refuseMissing(name: string, value: unknown): void {
    const came = value === '' ? 'an empty one' : 'none';
    this.#mistakes.add('MISSING_ARGUMENT', `"--${name}" needs a value, got ${came}.`);
  }

  /** `NAME=VALUE` pairs. `secret` keeps what came out of the message. */
  pairs(name: string, { secret }: { readonly secret: boolean }): [string, string][] {
    return this.texts(name).flatMap((text): [string, string][] => {
      const at = text.indexOf('=');
      if (at > 0 && at < text.length - 1) return [[text.slice(0, at), text.slice(at + 1)]];
      const came = secret ? 'something else' : `"${text}"`;
      this.#mistakes.add('BAD_VALUE', `"--${name}" must be NAME=VALUE, got ${came}.`);
      return [];
    });
  }

  number(name: string, rule: NumberRule): number {
    const text = this.text(name);
    if (text === undefined) return rule.fallback;
    const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
    const whole = rule.whole !== true || Number.isInteger(value);
    if (whole && value >= rule.min && value <= rule.max) return value;
    const kind = rule.whole === true ? 'a whole number' : 'a number';
    this.#mistakes.add(
      'BAD_VALUE',
      `"--${name}" must be ${kind} from ${rule.min} to ${rule.max}, got "${text}". Pass for example --${name} ${rule.example ?? rule.fallback}.`,
    );
    return rule.fallback;
  }

  /** Milliseconds of a duration as people write it: `90s`, `30m`, `1.5h`; null when it is absent or bad. */
  duration(name: string, { msMin, msMax, example }: DurationRule): number | null {
    const text = this.text(name);
    if (text === undefined) return null;
    const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
    const ms = count === '' ? Number.NaN : Number(count) * (MS_OF_UNIT[unit] ?? Number.NaN);
    if (ms >= msMin && ms <= msMax) return ms;
    this.#mistakes.add(
      'BAD_VALUE',
      `"--${name}" must be a duration of ms, s, m or h from ${msMin / 1000} s to ${msMax / 3_600_000} h, got "${text}". Pass for example --${name} ${example}.`,
    );
    return null;
  }

  /** Those words that are known; the others are noted. `what` says what they name, be it of several kinds. */
  known(
    name: string,
    {
      what,
      known,
    }: { readonly what: string | readonly string[]; readonly known: readonly string[] },
  ): readonly string[] {
    const kinds = typeof what === 'string' ? [what] : what;
    return this.words(name).filter((word) => {
      if (known.includes(word)) return true;
      this.#mistakes.add(
        'UNKNOWN_NAME',
        `"--${name} ${word}" names no ${kinds.join(' and no ')}. ${didYouMean(word, known)}${whereToLook(kinds, known)}`,
      );
      return false;
    });
  }

  #value(name: string): unknown {
    return this.#raw[name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())];
  }
}

const NAMES_LISTED_MAX = 8;

/** Short lists are given in full, long ones by the commands that print them. */
function whereToLook(kinds: readonly string[], known: readonly string[]): string {
  if (known.length <= NAMES_LISTED_MAX)
    return `There is ${known.map((name) => `"${name}"`).join(', ')}.`;
  const commands = kinds.map((kind) => `"crosstalk list ${kind}s"`);
  return `Run ${commands.join(' and ')} for all ${known.length}.`;
}
