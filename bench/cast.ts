import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import {
  mintMarker,
  newCampaignPrefix,
  userPrefix,
  CAMPAIGN_PREFIX_LENGTH,
} from '../history/markers.ts';
import type { TrialHeader } from '../history/observation.ts';
import reference from '../targets/reference.ts';

/** A question and the ids it will go by, fixed beforehand so that answers can be prebuilt. */
const askedSchema = z.strictObject({
  run: z.string(),
  tool: z.string(),
  marker: z.string(),
  content: z.string(),
});
export type Asked = z.infer<typeof askedSchema>;

const personSchema = z.strictObject({
  index: z.number(),
  name: z.string(),
  email: z.string(),
  markerPrefix: z.string(),
  user: z.string(),
  thread: z.string(),
  connection: z.string(),
  nameMarker: z.string(),
  title: z.string(),
  note: z.string(),
  token: z.string(),
  questions: z.array(askedSchema),
});
/** A simulated user: who it is to the target, and everything it will ask. */
export type Person = z.infer<typeof personSchema>;

/** Everybody who takes part in a measurement; server and client read the same file. */
export interface Cast {
  readonly people: readonly Person[];
}

/** Lengths of ids, markers, names and tokens are those of the reference target. */
export function makeCast(users: number, questions: number): Cast {
  const campaign = newCampaignPrefix();
  const digits = Math.max(2, String(users - 1).length);
  const people = Array.from({ length: users }, (_, index): Person => {
    const markerPrefix = userPrefix(campaign, index);
    const mail = `${markerPrefix.slice(CAMPAIGN_PREFIX_LENGTH)}${campaign.slice(3)}2f82`;
    return {
      index,
      name: `u${String(index).padStart(digits, '0')}`,
      email: `${mail}@crosstalk.example.com`,
      markerPrefix,
      user: randomUUID(),
      thread: `thread_${randomUUID()}`,
      connection: `conn_${randomUUID()}`,
      nameMarker: mintMarker(markerPrefix, 'name', 0),
      title: mintMarker(markerPrefix, 'title', 0),
      note: mintMarker(markerPrefix, 'note', 0),
      token: tokenOf(mail),
      questions: Array.from({ length: questions }, (_unused, question) =>
        askedOf(markerPrefix, index, question + 1),
      ),
    };
  });
  return { people };
}

export function writeCast(path: string, cast: Cast): void {
  writeFileSync(path, JSON.stringify(cast.people));
}

export function readCast(path: string): Cast {
  return { people: z.array(personSchema).parse(JSON.parse(readFileSync(path, 'utf8'))) };
}

/** A history's first line with this cast in it. */
export function headerOf(cast: Cast, scenario: string): TrialHeader {
  return {
    schema: 1,
    kind: 'trial',
    trial: `bench-${scenario}-websocket`,
    scenario,
    transport: 'websocket',
    target: 'reference',
    url: 'http://127.0.0.1',
    seed: 'bench',
    part: null,
    startedAt: new Date(STARTED_AT_UNIX_MS).toISOString(),
    reproduce: 'npm run bench',
    users: cast.people.map(({ name, email, markerPrefix }) => ({
      user: name,
      identity: email,
      markerPrefix,
      ids: {},
      credentials: [],
    })),
    profile: reference.judging,
  };
}

/** Wall time that generated histories begin at. */
export const STARTED_AT_UNIX_MS = Date.UTC(2026, 0, 5);

function askedOf(markerPrefix: string, index: number, ordinal: number): Asked {
  const marker = mintMarker(markerPrefix, 'question', ordinal);
  const order = 1_000 + index * 100 + ordinal;
  return {
    run: randomUUID(),
    tool: `call_${randomUUID()}`,
    marker,
    content: `${marker} is my reference: please read my note for order ${order} and repeat the reference in your answer.`,
  };
}

/** Has the shape and length of an access token; nobody checks its signature. */
function tokenOf(subject: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    sub: randomUUID(),
    email: `${subject}@crosstalk.example.com`,
    jti: randomUUID(),
  };
  return `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}.${part(randomUUID())}`;
}
