/** Who saw something of whom, whatever the target says about it. */
import type { TestUser } from './crowd.ts';

/** Everything that belongs to one user alone, as a stranger would see it. */
function belongings(user: TestUser): readonly string[] {
  const planted = [user.name, user.note, user.title, ...user.questions];
  return [
    user.id,
    user.email,
    user.threadId,
    user.token,
    ...user.runIds,
    ...planted.flatMap((words) => /mk[0-9a-f]{36}/.exec(words)?.[0] ?? []),
  ];
}

/** Pairs of observer and owner where something of the owner reached the observer. */
export function sightings(users: readonly TestUser[]): readonly (readonly [string, string])[] {
  return users.flatMap((observer) => {
    const seen = decoded(observer.seen.join('\n'));
    return users
      .filter((owner) => owner !== observer)
      .filter((owner) => {
        const mine = new Set(belongings(observer));
        return belongings(owner).some((thing) => !mine.has(thing) && seen.includes(thing));
      })
      .map((owner) => [observer.email, owner.email] as const);
  });
}

/** Adds what is hidden by base64, percent signs, escapes and streaming. */
function decoded(seen: string): string {
  const base64 = [...seen.matchAll(/"attachment":"([^"]+)"/g)].map(([, hidden]) =>
    Buffer.from(hidden ?? '', 'base64').toString(),
  );
  const percent = [...seen.matchAll(/(?:%[0-9A-F]{2})+/g)].map(([hidden]) =>
    decodeURIComponent(hidden),
  );
  const escaped = [...seen.matchAll(/"raw":"([^"]+)"/g)].map(([, hidden]) =>
    (hidden ?? '').replaceAll(/\\\\u([0-9a-f]{4})/g, (_, unit: string) =>
      String.fromCharCode(Number.parseInt(unit, 16)),
    ),
  );
  const chunks = [...seen.matchAll(/"text":"([^"]*)","index"/g)].map(([, piece]) => piece ?? '');
  return [seen, ...base64, ...percent, ...escaped, chunks.join('')].join('\n');
}
