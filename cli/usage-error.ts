/** Stable codes of usage mistakes, with what each means; `docs/mistakes.md` is made from it. */
export const MISTAKES = {
  NO_COMMAND: 'no command was given',
  UNKNOWN_COMMAND: 'there is no command of that name',
  UNKNOWN_OPTION: 'the command has no option of that name',
  UNEXPECTED_ARGUMENT: 'the command takes no such argument',
  MISSING_ARGUMENT: 'an argument or the value of an option is missing',
  BAD_VALUE: 'a value has the wrong form or is out of range',
  UNKNOWN_NAME: 'nothing of that kind has that name',
  CONFLICT: 'two options exclude each other, or one needs another',
  UNREADABLE_FILE: 'a file cannot be read',
  BAD_FILE: 'a file does not hold what it should',
  TARGET_UNKNOWN: 'there is no target profile of that name or path',
  TARGET_UNREADABLE: 'a target profile cannot be loaded',
  TARGET_INVALID: 'a target profile has mistakes',
  BAD_ADDRESS: 'an address or a header of the target is missing or wrong',
  OUT_NOT_EMPTY: 'the directory for the artifacts is not empty',
  NOT_ALLOWED: 'the target profile or the users file does not allow what is asked for',
  NO_HISTORY: 'there is no history to judge',
} as const;
export type MistakeCode = keyof typeof MISTAKES;

/** Everything that is wrong with one call of the command: exit code 64, nothing was started. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** One per mistake, `CODE: what, the rule, what came, what to do`. Never empty. */
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.mistakes = mistakes;
  }
}

/** Collects mistakes, so that a caller hears of all of them at once. */
export class Mistakes {
  readonly #found: string[] = [];

  get count(): number {
    return this.#found.length;
  }

  add(code: MistakeCode, text: string): void {
    this.#found.push(`${code}: ${text}`);
  }

  /** Takes over the mistakes of a {@link UsageError}. */
  adopt(error: UsageError): void {
    this.#found.push(...error.mistakes);
  }

  /** @throws UsageError if there was any mistake. */
  throwIfAny(): void {
    if (this.#found.length > 0) throw new UsageError(this.#found);
  }
}
