import { mintMarker, newCampaignPrefix, userPrefix } from '../../history/markers.ts';
import reference from '../../targets/reference.ts';

/** A history of two users as lines, built by hand: a header, then one line per observation. */
export interface HandMade {
  readonly lines: readonly string[];
  /** Appends a frame that `u01` receives. */
  receives(frame: Readonly<Record<string, unknown>>): HandMade;
  /** Appends the last line of a complete history. */
  ends(): HandMade;
  /** A question marker that belongs to `u00`. */
  readonly foreignMarker: string;
  readonly text: string;
}

/** A history in which nothing has happened yet. */
export function handMadeHistory(): HandMade {
  const campaign = newCampaignPrefix();
  const header = {
    schema: 1,
    kind: 'trial',
    trial: 'by-hand',
    scenario: 'golden-path',
    transport: 'websocket',
    target: 'reference',
    url: 'http://127.0.0.1',
    seed: 'by-hand',
    part: null,
    startedAt: '2026-01-01T00:00:00.000Z',
    reproduce: 'npx crosstalk run golden-path --seed by-hand',
    users: ['u00', 'u01'].map((user, index) => ({
      user,
      identity: `${user}@crosstalk.example.com`,
      markerPrefix: userPrefix(campaign, index),
      ids: { user: `id-of-${user}` },
      credentials: [],
    })),
    profile: reference.judging,
  };
  const marker = mintMarker(userPrefix(campaign, 0), 'question', 1);
  return withLines([JSON.stringify(header)], marker);
}

function withLines(lines: readonly string[], foreignMarker: string): HandMade {
  const n = lines.length - 1;
  return {
    lines,
    foreignMarker,
    text: `${lines.join('\n')}\n`,
    receives: (frame) => {
      const fields = { user: 'u01', conn: 'u01#1', surface: 'socket', dir: 'in', kind: 'frame' };
      const event = frame['type'];
      return withLines(
        [...lines, JSON.stringify({ n, t: n + 1, ...fields, event, frame })],
        foreignMarker,
      );
    },
    ends: () =>
      withLines(
        [...lines, JSON.stringify({ kind: 'end', n, t: n + 1, reason: 'done' })],
        foreignMarker,
      ),
  };
}
