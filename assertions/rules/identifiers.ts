import type { Observation } from '../../history/observation.ts';
import type { Facts } from '../facts.ts';
import type { SharedIdListener, UserIndex } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';

const SHARED = 'isolation/shared-identifier';
const TOKEN = 'isolation/shared-token';

/** Was one supposedly unique id given to two users? */
export function identifierRules(bench: Bench): RuleGroup {
  const { knowledge, report } = bench;
  let examined = knowledge.header.users.filter(({ ids }) => Object.keys(ids).length > 0).length;
  const share: SharedIdListener = (id, newcomer, observation) => {
    const first = id.owners[0] ?? null;
    report.add({
      rule: SHARED,
      observer: newcomer,
      owner: first,
      observation,
      event: observation.source ?? null,
      place: observation.source ?? null,
      message: `${first === null ? 'two users' : knowledge.nameOf(first)} and ${knowledge.nameOf(newcomer)} were both given the same ${id.kind} id`,
    });
  };
  knowledge.onSharedId(share);
  return {
    rules: [SHARED],
    observe({ observation }: Facts): void {
      if (observation.kind === 'identity' && observation.ids !== undefined) examined += 1;
    },
    conclude(): void {
      // A later line may say that both are members of the thread.
      for (const { id, newcomer } of knowledge.givenTwice)
        if (id.audience?.has(newcomer) !== true)
          share(id, newcomer, firstLine(knowledge.nameOf(newcomer)));
    },
    examined: () => examined,
  };
}

/** What the first line of a history says of a user, for a finding to name. */
function firstLine(user: string): Observation {
  return {
    n: 0,
    line: 1,
    t: 0,
    user,
    conn: null,
    surface: 'harness',
    dir: 'act',
    kind: 'identity',
  };
}

/** Tokens seen by several users that are followed to the end. */
const SHARED_MAX = 1_000;

interface Shared {
  readonly users: Set<UserIndex>;
  readonly observation: Observation;
  readonly observer: UserIndex;
}

/** Was a long random token, neither id nor credential, seen by several but not all users? */
export function tokenRule(bench: Bench): RuleGroup {
  const { knowledge, report } = bench;
  const recent = new RecentTokens();
  const shared = new Map<string, Shared>();
  let examined = 0;

  const see = ({ observation, observer, tokens }: Facts, token: Token): void => {
    examined += 1;
    const text = tokens.text;
    const followed = shared.size === 0 ? undefined : shared.get(text.slice(token.start, token.end));
    if (followed !== undefined) {
      followed.users.add(observer);
      return;
    }
    const other = recent.see(text, token, observer);
    if (other === observer || shared.size >= SHARED_MAX) return;
    const copy = Buffer.from(text.slice(token.start, token.end)).toString();
    shared.set(copy, { users: new Set([other, observer]), observation, observer });
  };

  return {
    rules: [TOKEN],
    receivedOnly: true,
    observe(facts: Facts): void {
      const { runs } = facts.tokens;
      // What belongs to another is somebody's known property and judged by its own rule.
      if (facts.foreign.length > 0 || runs.length === 0) return;
      if (isStaticFile(facts.observation)) return;
      if (facts.attribution?.by === 'crowd' && !facts.attribution.owners.includes(facts.observer))
        return;
      for (let i = 0; i < runs.length; i += 3)
        see(facts, { start: runs[i] ?? 0, end: runs[i + 1] ?? 0, hash: runs[i + 2] ?? 0 });
    },
    conclude(): void {
      if (shared.size === 0) return;
      const ids = [...knowledge.ids.entries()].map(([text]) => text.toLowerCase()).join('\n');
      for (const [token, { users, observation, observer }] of shared) {
        if (users.size >= knowledge.users.length || ids.includes(token.toLowerCase())) continue;
        const names = [...users].slice(0, 5).map((user) => knowledge.nameOf(user));
        report.add({
          rule: TOKEN,
          observer,
          owner: null,
          observation,
          message: `${names.join(', ')}${users.size > names.length ? ` and ${users.size - names.length} more` : ''} saw the same long token, which is neither id nor credential`,
        });
      }
    },
    // A trial without any such token has nothing to examine; that is no gap in the evidence.
    examined: () => Math.max(1, examined),
  };
}

/** What a page is made of: users without a browser never load it. */
function isStaticFile({ surface, headers }: Observation): boolean {
  if (surface === 'html') return true;
  return (
    surface === 'http' &&
    /javascript|css|html|font|image|wasm/.test(headers?.['content-type'] ?? '')
  );
}

/** A token within a text. */
interface Token {
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

/** Slots of the table of recent tokens; a token pushed out of its slot may be overlooked: it is a note. */
const SLOTS = 1 << 16;
/** Characters of a token that its slot holds; longer ones are kept beside it. */
const SLOT_CHARACTERS = 40;

/**
 * Who saw which token last: one token a slot. In bytes, not in texts: a text cut out of a frame would keep
 * the whole frame alive.
 */
class RecentTokens {
  readonly #characters = new Uint8Array(SLOTS * SLOT_CHARACTERS);
  /** 0 in a slot that was never taken. */
  readonly #lengths = new Uint32Array(SLOTS);
  readonly #hashes = new Int32Array(SLOTS);
  readonly #users = new Int32Array(SLOTS);
  readonly #long = new Map<number, string>();

  /** Who saw this token before, or else the user itself, who is remembered. */
  see(text: string, token: Token, user: UserIndex): UserIndex {
    const { start, end, hash } = token;
    const slot = hash & (SLOTS - 1);
    if (this.#hashes[slot] === hash && this.#holds(slot, text, token))
      return this.#users[slot] ?? user;
    this.#lengths[slot] = end - start;
    this.#hashes[slot] = hash;
    this.#users[slot] = user;
    if (end - start > SLOT_CHARACTERS)
      this.#long.set(slot, Buffer.from(text.slice(start, end)).toString());
    else
      for (let i = start, at = slot * SLOT_CHARACTERS; i < end; i += 1, at += 1)
        this.#characters[at] = text.charCodeAt(i);
    return user;
  }

  #holds(slot: number, text: string, { start, end }: Token): boolean {
    if (this.#lengths[slot] !== end - start) return false;
    if (end - start > SLOT_CHARACTERS) return this.#long.get(slot) === text.slice(start, end);
    for (let i = start, at = slot * SLOT_CHARACTERS; i < end; i += 1, at += 1)
      if (this.#characters[at] !== text.charCodeAt(i)) return false;
    return true;
  }
}
