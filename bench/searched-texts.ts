import { ContentScanner } from '../assertions/content-scanner.ts';
import { Knowledge, type OwnedId } from '../assertions/knowledge.ts';
import { SightingCollector } from '../assertions/sightings.ts';
import { headerOf, makeCast, type Cast } from './cast.ts';

/** Searches texts as the judge would: with the ids and the planted markers of a whole crowd. */
export class SearchedTexts {
  readonly #cast: Cast;
  readonly #knowledge: Knowledge;
  readonly #scanner: ContentScanner<OwnedId>;

  constructor(users: number) {
    this.#cast = makeCast(users, 1);
    this.#knowledge = new Knowledge(headerOf(this.#cast, 'scan'));
    this.#scanner = new ContentScanner(
      this.#knowledge.campaignPrefix,
      this.#knowledge.ids,
      this.#knowledge.markerEnds,
    );
    const line = { n: 0, line: 2, t: 0, conn: null, surface: 'harness', dir: 'act' } as const;
    for (const { name, user, thread, note } of this.#cast.people) {
      const of = { ...line, user: name };
      this.#knowledge.learn({ ...of, kind: 'identity', ids: { user, thread } });
      this.#knowledge.learn({ ...of, kind: 'act', act: 'plant', place: 'note', marker: note });
    }
  }

  get campaignPrefix(): string {
    return this.#knowledge.campaignPrefix;
  }

  /** The note marker of a user of the crowd. @throws RangeError when there is no such user. */
  plantedMarker(user: number): string {
    const person = this.#cast.people[user];
    if (person === undefined) throw new RangeError(`there is no user ${user}`);
    return person.note;
  }

  /** What the search sees in a text: markers, ids and credentials, as they were planted. */
  sightingsIn(text: string): readonly string[] {
    const collector = new SightingCollector(this.#knowledge, this.#scanner);
    collector.search(text, null);
    return collector.sightings.map((sighting) => sighting.text);
  }
}
