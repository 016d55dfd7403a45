import type { Observation } from '../../history/observation.ts';
import type { Facts } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';

const SHARED = 'isolation/shared-identifier';
const TOKEN = 'isolation/shared-token';

/** Was one supposedly unique id given to two users? */
export function identifierRules(bench: Bench): RuleGroup {
  const { knowledge, report } = bench;
  let examined = 0;
  knowledge.onSharedId((id, newcomer, observation) => {
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
  });
  return {
    rules: [SHARED],
    observe({ observation }: Facts): void {
      if (observation.kind === 'identity' && observation.ids !== undefined) examined += 1;
    },
    examined: () => examined,
  };
}

/** Slots of the table of recent tokens; a token pushed out of its slot may be overlooked: it is a note. */
const SLOTS = 1 << 16;
/** Tokens seen by several users that are followed to the end. */
const SHARED_MAX = 1_000;

/** Was a long random token, neither id nor credential, seen by several but not all users? */
export function tokenRule(bench: Bench): RuleGroup {
  const { knowledge, report } = bench;
  const recent = new Map<number, { token: string; user: UserIndex }>();
  const shared = new Map<string, { users: Set<UserIndex>; facts: Facts }>();
  let examined = 0;

  const see = (facts: Facts, token: string): void => {
    if (!/[0-9]/.test(token) || !/[a-z]/i.test(token)) return;
    examined += 1;
    const followed = shared.get(token);
    if (followed !== undefined) {
      followed.users.add(facts.observer);
      return;
    }
    const slot = slotOf(token);
    const known = recent.get(slot);
    if (known?.token === token && known.user !== facts.observer) {
      if (shared.size < SHARED_MAX)
        shared.set(token, { users: new Set([known.user, facts.observer]), facts });
    } else if (known?.token !== token) recent.set(slot, { token, user: facts.observer });
  };

  return {
    rules: [TOKEN],
    observe(facts: Facts): void {
      // What belongs to another is somebody's known property and judged by its own rule.
      if (facts.foreign.length > 0 || facts.tokens.length === 0) return;
      if (isStaticFile(facts.observation)) return;
      if (facts.attribution?.by === 'crowd' && !facts.attribution.owners.includes(facts.observer))
        return;
      for (const token of facts.tokens) see(facts, token);
    },
    conclude(): void {
      const ids = [...knowledge.ids.entries()].map(([text]) => text.toLowerCase()).join('\n');
      for (const [token, { users, facts }] of shared) {
        if (users.size >= knowledge.users.length || ids.includes(token.toLowerCase())) continue;
        const names = [...users].slice(0, 5).map((user) => knowledge.nameOf(user));
        report.add({
          rule: TOKEN,
          observer: facts.observer,
          owner: null,
          observation: facts.observation,
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

function slotOf(token: string): number {
  let hash = 0;
  for (let i = 0; i < token.length; i += 1) hash = (Math.imul(hash, 31) + token.charCodeAt(i)) | 0;
  return hash & (SLOTS - 1);
}
