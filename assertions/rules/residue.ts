import type { Observation } from '../../history/observation.ts';
import type { Facts, Sighting } from '../facts.ts';
import { placeIn } from '../json-place.ts';
import type { IdKind } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';

const RESIDUE = 'isolation/residue';

const NAME_OF_ID: Readonly<Record<IdKind, string>> = {
  user: 'the user id',
  email: 'the e-mail',
  thread: 'the thread id',
  run: 'the run id',
  connection: 'the connection id',
};

/** Counts what was searched for residue; what is found is reported by {@link reportResidue}. */
export function residueRule(bench: Bench): RuleGroup {
  const { tenancy } = bench.knowledge;
  let examined = 0;
  return {
    rules: [RESIDUE],
    receivedOnly: true,
    get notApplicable(): readonly string[] {
      return tenancy.isEmpty ? [RESIDUE] : [];
    },
    observe({ observation, observer, received }: Facts): void {
      if (!received || tenancy.isEmpty) return;
      const former = tenancy.formerOf(observer);
      if (former.some((owner) => tenancy.isResidue(observation, observer, owner))) examined += 1;
    },
    examined: () => examined,
  };
}

/**
 * Reports what a page sends of a former user of its profile: a question with the conversation of whoever sat there
 * before. Only what that user wrote counts: an id may stand in the address that a page comes from.
 */
export function reportSentOn(bench: Bench, facts: Facts): void {
  const { knowledge } = bench;
  const { observation, observer, sightings } = facts;
  if (knowledge.tenancy.isEmpty) return;
  for (const sighting of sightings) {
    if (sighting.what !== 'marker') continue;
    if (!knowledge.tenancy.isSentOn(observation, observer, sighting.owner)) continue;
    // Whoever is a member of a thread may repeat what was said there.
    if (knowledge.isPublishedTo(sighting.text, observer)) continue;
    report(
      bench,
      { observation, observer, sighting },
      ({ by, what }) => `the page of ${by} sent ${what}`,
    );
  }
}

/**
 * Reports a sighting as residue if its owner had the observer's browser profile before and it was not
 * delivered live. True if it was: then it is no leak between two users of the target beside that.
 */
export function reportResidue(bench: Bench, facts: Facts, sighting: Sighting): boolean {
  const { observation, observer } = facts;
  if (!bench.knowledge.tenancy.isResidue(observation, observer, sighting.owner)) return false;
  report(bench, { observation, observer, sighting }, ({ by, what, place }) => {
    const where = place === null ? '' : ` at ${place}`;
    return `${by} found ${what}, in ${observation.surface}${where}`;
  });
  return true;
}

interface Found {
  readonly observation: Observation;
  readonly observer: number;
  readonly sighting: Sighting;
}

interface Told {
  /** The observer's name. */
  readonly by: string;
  /** What of whom. */
  readonly what: string;
  readonly place: string | null;
}

function report(
  bench: Bench,
  { observation, observer, sighting }: Found,
  say: (told: Told) => string,
): void {
  const { knowledge, matrix } = bench;
  const { owner, at, text } = sighting;
  const place = sighting.place ?? placeIn(observation, text);
  const former = `${knowledge.describe(owner)}, who used the browser before`;
  const what = `${nameOf(bench, sighting)} of ${former}`;
  matrix.accuse(observer, owner, observation.n);
  bench.report.add({
    rule: RESIDUE,
    observer,
    owner,
    observation,
    place,
    at,
    mechanism: 'residue',
    message: say({ by: knowledge.nameOf(observer), what, place }),
  });
}

function nameOf({ knowledge }: Bench, sighting: Sighting): string {
  switch (sighting.what) {
    case 'credential':
      return 'a credential';
    case 'id':
      return NAME_OF_ID[sighting.id.kind];
    case 'marker': {
      const place = knowledge.planted.get(sighting.text)?.place ?? sighting.parts?.place;
      return `the ${place ?? 'cut-off'} marker`;
    }
  }
}
