/**
 * One connection of a measured client, whatever it is made of. The load is driven through this, so that
 * all variants are driven alike.
 */
export interface Contender {
  /** Resolves once the target's greeting was received. */
  open(): Promise<void>;
  /** Asks the user's next question. */
  ask(): void;
  /** Makes the server send all it has for this user, so many times. */
  go(passes: number): void;
}

/** What a contender tells the load of. */
export interface LoadListener {
  event(): void;
  /** The last event of an answer came. */
  answered(contender: Contender): void;
}

/** Contenders of one variant and what they share. */
export interface Team {
  readonly contenders: readonly Contender[];
  /** Waits until everything that was received is where it should be; throws if something is not. */
  settle(): Promise<void>;
}

/** The sub-protocols that carry a token, as the reference target takes them. */
export interface TeamOptions {
  readonly url: string;
  readonly listener: LoadListener;
}
