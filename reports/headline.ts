import type { Cause, Summary } from '../history/verdict.ts';

type Failure = Exclude<Summary['verdict'], 'pass'>;

const OF_CAUSE: Readonly<Record<Failure, Readonly<Record<Cause, string>>>> = {
  fail: {
    leak: 'users received data of other users, or could reach it.',
    misbehaviour: 'the target broke what it promises. No leak is among what was found.',
    unavailable: 'the target was not available to users who should have reached it.',
    blind: 'a violation was found, although not everything could be seen.',
  },
  inconclusive: {
    leak: 'what was seen looks like a leak, but does not prove one.',
    misbehaviour: 'the target misbehaved, but the evidence does not prove that it was at fault.',
    unavailable: 'the target, or what is needed to examine it, was not available.',
    blind: 'the evidence does not allow a verdict, neither for the target nor against it.',
  },
};

const DECISIONS: Readonly<Record<NonNullable<Summary['signoff']>, string>> = {
  GO: 'Ship',
  'NO-GO': 'Do not ship',
  INCONCLUSIVE: 'Do not ship on this',
};

const OUTCOMES: Readonly<Record<Summary['verdict'], string>> = {
  pass: 'Passed',
  fail: 'Failed',
  inconclusive: 'Nothing is proven',
};

/** The outcome of a campaign in one sentence of our own words; nothing in it comes from a target. */
export function headlineOf(summary: Summary): string {
  const { verdict, cause, signoff } = summary;
  const head = signoff === null ? OUTCOMES[verdict] : DECISIONS[signoff];
  if (verdict === 'pass')
    return `${head}: every user saw every event in order, and nothing of any other user.`;
  return `${head}: ${OF_CAUSE[verdict][cause ?? 'blind']}`;
}

/** `GO`, `NO-GO` or `INCONCLUSIVE` of a sign-off; `pass`, `fail (leak)` … of any other campaign. */
export function outcomeWord({ signoff, verdict, cause }: Summary): string {
  return signoff ?? (cause === null ? verdict : `${verdict} (${cause})`);
}
