/** What it takes for a fault to show. */
type FaultNeeds =
  | 'gp'
  | 'again'
  | 'gp, barrier'
  | 'r2'
  | 'eq, r2'
  | 'ask at once'
  | 'cancel'
  | 'equal titles'
  | 'error'
  | 'idle'
  | 'late'
  | 'many rounds'
  | 'prefix names'
  | 'probe'
  | 'probe, expiry'
  | 'reconnect'
  | 'reconnect, probe'
  | 'refresh'
  | 'restart'
  | 'revocation'
  | 'sign-out'
  | 'stall'
  | 'switch'
  | 'tabs';

/** Where a fault can be seen: `any` is both the raw socket and the page. */
type FaultSeenBy = 'any' | 'socket' | 'page';

/** One fault that the reference target can be started with. */
export interface FaultEntry {
  /** What `--fault` takes. */
  readonly name: string;
  /** What the target does wrong, in one sentence. */
  readonly does: string;
  /** Codes of the bugs and incidents it is modelled on (`history/cases.ts`); none for what is obvious. */
  readonly after: readonly string[];
  /**
   * The least a scenario must do: `gp` the golden path, `r2` a second round, `eq` equal questions,
   * `barrier` users released at one moment; anything else is what some user has to do.
   */
  readonly needs: FaultNeeds;
  readonly seenBy: FaultSeenBy;
  /** Full names of the rules that may catch it; one of them is enough. */
  readonly rules: readonly string[];
  /** The mechanism that the finding should name, where the catalogue demands one. */
  readonly mechanism?: string;
}

/** One legal way to behave differently, which nobody may flag. */
export interface VariantEntry {
  /** What `--variant` takes. */
  readonly name: string;
  readonly does: string;
  /** The target profile that understands it. */
  readonly target: 'reference' | 'netra';
  /** Who has to know: the target, the crowd that asks, or both. */
  readonly affects: 'target' | 'crowd' | 'both';
}
