import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Finding, Verdict } from '../history/verdict.ts';

/** One deliberate leak or break of the embedded target, as it logged it (FAULTS, "ground truth"). */
const deedSchema = z.object({
  t: z.number(),
  fault: z.string(),
  observer: z.string().nullable(),
  owner: z.string().nullable(),
  run: z.string().nullable(),
  event: z.string().nullable(),
  how: z.string(),
});
export type Deed = z.infer<typeof deedSchema>;

/** Reads a ground-truth log; a log that was never written holds no deeds. */
export function readDeeds(path: string): Deed[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return []; // The target writes the file with its first deed.
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => deedSchema.parse(JSON.parse(line)));
}

/** A finding that accuses somebody of something the target did not do. */
export interface Unexplained {
  readonly finding: Finding;
  readonly why: string;
}

/**
 * The violations that the log does not explain. A finding about isolation is explained by a deed towards
 * its observer with its owner's data; one about order or delivery by a deed that hit its observer; one
 * that names nobody (gates) by any deed. Evidence and notes accuse nobody.
 */
export function unexplained(verdict: Verdict, deeds: readonly Deed[]): Unexplained[] {
  const identity = new Map(verdict.users.map((user) => [user.user, user.identity]));
  const mail = (user: string | null): string | null =>
    user === null || user === 'outside' ? user : (identity.get(user) ?? user);
  const result: Unexplained[] = [];
  for (const finding of verdict.findings) {
    if (finding.severity !== 'violation') continue;
    const why = whyUnexplained(finding, deeds, mail);
    if (why !== undefined) result.push({ finding, why });
  }
  return result;
}

/** Whoever came without any credential: the target cannot know whom it let in. */
function isToAnybody({ observer, fault }: Deed): boolean {
  return observer === null && fault === 'no-token';
}

function whyUnexplained(
  finding: Finding,
  deeds: readonly Deed[],
  mail: (user: string | null) => string | null,
): string | undefined {
  if (finding.observer === null)
    return deeds.length > 0 ? undefined : 'the target did nothing wrong at all';
  const observer = mail(finding.observer);
  const owner = mail(finding.owner);
  const towards = deeds.filter((deed) => deed.observer === observer || isToAnybody(deed));
  // Two users who share an id are told apart only by who came first; the log may name either.
  const mutual = finding.rule === 'isolation/shared-identifier';
  const own = owner === observer;
  const explained =
    owner === null || own
      ? towards.length > 0
      : towards.some((deed) => deed.owner === owner || isToAnybody(deed)) ||
        (mutual && deeds.some((deed) => deed.observer === owner && deed.owner === observer));
  if (explained) return undefined;
  return towards.length === 0
    ? `nothing wrong was done to ${observer}`
    : `${observer} was shown nothing of ${owner}`;
}
