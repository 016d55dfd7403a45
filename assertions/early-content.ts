import type { FactFinder, Facts, Sighting } from './facts.ts';
import type { Knowledge, UserIndex } from './knowledge.ts';
import { NO_TOKENS } from './sightings.ts';

/** What is kept at once; the older half is examined, and let go, when either is exceeded. */
const KEPT_MAX = 4_096;
const KEPT_CHARACTERS_MAX = 8_000_000;
/** Agent events are most of a long history, and name few ids but their own: the first ones are kept. */
const AGENT_EVENTS_MAX = 2_000;

/** Something that accuses although nobody was known to own it when it was received. */
export type LateAccusation = (facts: Facts, sighting: Sighting) => void;

interface Kept {
  readonly facts: Facts;
  /** How many ids and credentials had owners then; if no more have now, there is nothing new to find. */
  readonly ownedThen: number;
}

/**
 * Keeps what users received until the owners of the ids and credentials in it are known: attribution may come
 * late (DESIGN §3.3). Bounded: what falls out has waited for as many observations as half of what is kept.
 */
export class EarlyContent {
  readonly #knowledge: Knowledge;
  readonly #finder: FactFinder;
  readonly #accuse: LateAccusation;
  #kept: Kept[] = [];
  #characters = 0;
  #agentEvents = 0;
  /** Ids and credentials that each user sent while nobody was known to own them: their echo is no leak. */
  readonly #sent = new Map<UserIndex, Set<string>>();

  constructor(knowledge: Knowledge, finder: FactFinder, accuse: LateAccusation) {
    this.#knowledge = knowledge;
    this.#finder = finder;
    this.#accuse = accuse;
  }

  observe(facts: Facts): void {
    if (facts.observation.dir === 'act') return;
    if (facts.attribution !== undefined && ++this.#agentEvents > AGENT_EVENTS_MAX) return;
    this.#kept.push({ facts: keepable(facts), ownedThen: this.#knowledge.ownedCount });
    this.#characters += facts.observation.content?.length ?? 0;
    if (this.#kept.length > KEPT_MAX || this.#characters > KEPT_CHARACTERS_MAX)
      this.#examine(Math.ceil(this.#kept.length / 2));
  }

  conclude(): void {
    this.#examine(this.#kept.length);
  }

  #examine(count: number): void {
    for (const { facts, ownedThen } of this.#kept.splice(0, count)) {
      this.#characters -= facts.observation.content?.length ?? 0;
      if (this.#knowledge.ownedCount === ownedThen) continue;
      for (const sighting of this.#finder.recognised(facts)) this.#take(facts, sighting);
    }
  }

  /** In the order of the history, so that only what was sent before counts as sent. */
  #take(facts: Facts, sighting: Sighting): void {
    const { observer, received } = facts;
    const sent = this.#sent.get(observer);
    if (received) {
      if (sent?.has(sighting.text) !== true) this.#accuse(facts, sighting);
    } else if (sent === undefined) this.#sent.set(observer, new Set([sighting.text]));
    else sent.add(sighting.text);
  }
}

/** Facts that keep nothing else alive: a content that was cut is a piece of the much larger one that came. */
function keepable(facts: Facts): Facts {
  const { observation } = facts;
  const { content, cut } = observation;
  const sightings = facts.sightings.filter(({ what }) => what !== 'marker');
  return {
    ...facts,
    observation:
      content === undefined || cut === undefined
        ? observation
        : { ...observation, content: Buffer.from(content).toString() },
    sightings,
    foreign: [],
    tokens: NO_TOKENS,
  };
}
