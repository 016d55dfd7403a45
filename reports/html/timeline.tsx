import type { VNode } from 'preact';
import type { Finding, Verdict } from '../../history/verdict.ts';
import { decidingFindings } from '../judged-trial.ts';
import { showUntrustedUpTo } from '../untrusted.ts';
import { Counted, LeftOut, Milliseconds, Untrusted, Wide } from './figures.tsx';
import { eventMark, runMarks, strayMark } from './timeline-marks.ts';
import type { Lane, PhaseSpan, TrialRecord } from './trial-record.ts';
import { findingId, usersThatMatter, type TrialView } from './trial-view.ts';

/** Lanes drawn; a larger crowd is shown by those that findings name. */
export const LANES_MAX = 24;
/** More arrows than these hide each other. */
const ARROWS_MAX = 12;
const MESSAGE_CHARACTERS_MAX = 200;
const NAME_CHARACTERS_MAX = 8;

const WIDTH = 1000;
const LABEL_WIDTH = 60;
const RIGHT = 16;
const TOP = 54;
const LANE_HEIGHT = 26;
const PHASE_LABEL_WIDTH_PER_CHARACTER = 6.5;
const TICKS = 6;

/** The findings drawn as arrows: one of each pair of owner and observer, in the verdict's order. */
export function arrowFindings(verdict: Verdict): readonly Finding[] {
  const lanes = new Set(usersThatMatter(verdict, LANES_MAX));
  return [...leakedPairs(verdict).values()]
    .filter(({ observer, owner }) => lanes.has(observer ?? '') && lanes.has(owner ?? ''))
    .slice(0, ARROWS_MAX);
}

/** The first finding of each pair of an owner and an observer who are both of the crowd. */
function leakedPairs(verdict: Verdict): Map<string, Finding> {
  const crowd = new Set(verdict.users.map(({ user }) => user));
  const pairs = new Map<string, Finding>();
  for (const finding of decidingFindings(verdict)) {
    const { observer, owner, severity } = finding;
    if (observer === null || owner === null || observer === owner) continue;
    const key = `${owner} ${observer}`;
    if (severity === 'violation' && crowd.has(owner) && !pairs.has(key)) pairs.set(key, finding);
  }
  return pairs;
}

/** All users over time: what they asked, the events they received, and leaks as arrows. */
export function Timeline({ view }: { readonly view: TrialView }): VNode {
  const { verdict, record } = view;
  if (record === null)
    return (
      <p class="quiet">
        No readable history lies beside the verdict, so there is nothing to draw from.
      </p>
    );
  const users = usersThatMatter(verdict, LANES_MAX);
  const arrows = arrowFindings(verdict);
  const pairs = leakedPairs(verdict).size;
  return (
    <>
      <p class="lead">
        A lane for each user, from the start of the trial on the left. A bar is a run, from its
        question to its last event.
        {arrows.length === 0 ? null : (
          <>
            {' '}
            An arrow leads from the moment a user asked or stored something to the moment another
            was shown it.
          </>
        )}
      </p>
      <Legend events={record.events} strays={hasStrays(record)} />
      <Wide label="Timeline">
        <Lanes view={view} record={record} users={users} />
      </Wide>
      {arrows.length === 0 ? null : <ArrowList view={view} arrows={arrows} pairs={pairs} />}
      <LeftOut count={verdict.users.length - users.length} noun="user" />
    </>
  );
}

/** Where things stand in the drawing. */
interface Scale {
  x(ms: number): number;
  y(user: string): number;
  readonly height: number;
  readonly durationMs: number;
}

function scaleOf(verdict: Verdict, users: readonly string[]): Scale {
  const durationMs = Math.max(1, verdict.trial.durationMs);
  const rows = new Map(users.map((user, row) => [user, row]));
  return {
    durationMs,
    height: TOP + users.length * LANE_HEIGHT + 6,
    x: (ms) => {
      const share = Math.min(1, Math.max(0, ms / durationMs));
      return Math.round((LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH - RIGHT)) * 10) / 10;
    },
    y: (user) => TOP + ((rows.get(user) ?? 0) + 0.5) * LANE_HEIGHT,
  };
}

function Lanes({
  view,
  record,
  users,
}: {
  readonly view: TrialView;
  readonly record: TrialRecord;
  readonly users: readonly string[];
}): VNode {
  const scale = scaleOf(view.verdict, users);
  const head = `${view.id}-arrow`;
  return (
    <svg
      class="timeline"
      viewBox={`0 0 ${WIDTH} ${scale.height}`}
      role="group"
      aria-label={`Timeline of ${view.name}`}
    >
      <defs>
        <marker
          id={head}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path class="arrowhead" d="M0 0l8 4l-8 4z" />
        </marker>
      </defs>
      <Axis scale={scale} />
      {record.phases.map((span, index) => (
        <Phase key={index} span={span} odd={index % 2 === 1} scale={scale} />
      ))}
      {users.map((user) => (
        <LaneRow
          key={user}
          user={user}
          lane={record.lanes.get(user)}
          record={record}
          scale={scale}
        />
      ))}
      {arrowFindings(view.verdict).map((finding) => (
        <Arrow
          key={findingId(view, finding)}
          view={view}
          finding={finding}
          head={head}
          scale={scale}
        />
      ))}
    </svg>
  );
}

function Axis({ scale }: { readonly scale: Scale }): VNode {
  const step = niceStep(scale.durationMs / TICKS);
  const ticks = Array.from(
    { length: Math.floor(scale.durationMs / step) + 1 },
    (_, index) => index * step,
  );
  return (
    <g class="axis" aria-hidden="true">
      {ticks.map((ms) => (
        <g key={ms}>
          <line x1={scale.x(ms)} x2={scale.x(ms)} y1={16} y2={scale.height} />
          <text x={scale.x(ms)} y={11} text-anchor="middle">
            {ms >= 1000 || step >= 1000 ? `${ms / 1000} s` : `${ms} ms`}
          </text>
        </g>
      ))}
    </g>
  );
}

/** The next of 1, 2, 5 times a power of ten. */
function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, atLeast)));
  return ([1, 2, 5].find((factor) => factor * power >= atLeast) ?? 10) * power;
}

function Phase({
  span: { phase, from, to },
  odd,
  scale,
}: {
  readonly span: PhaseSpan;
  readonly odd: boolean;
  readonly scale: Scale;
}): VNode {
  const left = scale.x(from);
  const width = Math.max(1, scale.x(to) - left);
  const fits = phase.length * PHASE_LABEL_WIDTH_PER_CHARACTER < width;
  return (
    <g class={odd ? 'phase odd' : 'phase'}>
      <rect x={left} y={20} width={width} height={scale.height - 20} />
      {fits ? (
        <text x={left + 4} y={35}>
          {showUntrustedUpTo(phase, 60)}
        </text>
      ) : null}
      <title>{showUntrustedUpTo(phase, 60)}</title>
    </g>
  );
}

function LaneRow({
  user,
  lane,
  record,
  scale,
}: {
  readonly user: string;
  readonly lane: Lane | undefined;
  readonly record: TrialRecord;
  readonly scale: Scale;
}): VNode {
  const y = scale.y(user);
  const received = lane?.received ?? [];
  const own = received.filter(({ stray }) => !stray);
  const drawn = record.events.map((event, index) => ({
    event,
    path: own
      .filter((mark) => mark.event === event)
      .map(({ t }) => eventMark(index, scale.x(t), y))
      .join(''),
  }));
  const strays = received.filter(({ stray }) => stray).map(({ t }) => strayMark(scale.x(t), y));
  const ends = own.filter(({ event }) => !record.events.includes(event));
  return (
    <g class="lane">
      <text x={0} y={y + 4}>
        {showUntrustedUpTo(user, NAME_CHARACTERS_MAX)}
      </text>
      <path class="rail" d={`M${LABEL_WIDTH} ${y}H${WIDTH - RIGHT}`} />
      {lane === undefined ? null : (
        <path
          class="run"
          d={runMarks(lane)
            .map(([from, to]) => bar(scale, y, [from, to]))
            .join('')}
        />
      )}
      {drawn.map(({ event, path }, index) =>
        path === '' ? null : <path key={event} class={`event e${Math.min(index, 5)}`} d={path} />,
      )}
      {ends.length === 0 ? null : (
        <path class="event e5" d={ends.map(({ t }) => eventMark(5, scale.x(t), y)).join('')} />
      )}
      {strays.length === 0 ? null : <path class="stray" d={strays.join('')} />}
    </g>
  );
}

function bar(scale: Scale, y: number, [from, to]: readonly [number, number]): string {
  const width = Math.max(1, scale.x(to) - scale.x(from));
  return `M${scale.x(from)} ${y - 7}h${width}v14h${-width}z`;
}

function Arrow({
  view,
  finding,
  head,
  scale,
}: {
  readonly view: TrialView;
  readonly finding: Finding;
  readonly head: string;
  readonly scale: Scale;
}): VNode {
  const from = scale.x(originOf(view, finding));
  const to = scale.x(finding.t);
  const start = scale.y(finding.owner ?? '');
  const end = scale.y(finding.observer ?? '');
  const bend = Math.max(12, (to - from) / 2);
  const path = (
    <g class="leak">
      <path
        d={`M${from} ${start}C${from + bend} ${start} ${to - bend} ${end} ${to} ${end}`}
        marker-end={`url(#${head})`}
      />
      <circle cx={from} cy={start} r="4" />
    </g>
  );
  const message = showUntrustedUpTo(finding.message, MESSAGE_CHARACTERS_MAX);
  if (!view.cards.includes(finding))
    return (
      <g aria-hidden="true">
        <title>{message}</title>
        {path}
      </g>
    );
  return (
    <a href={`#${findingId(view, finding)}`} aria-label={message}>
      <title>{message}</title>
      {path}
    </a>
  );
}

/** When the owner planted or asked for what was seen; the sighting itself where that is not known. */
function originOf({ record }: TrialView, finding: Finding): number {
  const origin = record?.origins.get(finding);
  return origin === undefined ? finding.t : Math.min(origin, finding.t);
}

function hasStrays({ lanes }: TrialRecord): boolean {
  return [...lanes.values()].some(({ received }) => received.some(({ stray }) => stray));
}

function Legend({
  events,
  strays,
}: {
  readonly events: readonly string[];
  readonly strays: boolean;
}): VNode {
  return (
    <ul class="legend">
      {events.map((event, index) => (
        <li key={event}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path class={`event e${Math.min(index, 5)}`} d={eventMark(index, 8, 8)} />
          </svg>
          <code>
            <Untrusted text={event} />
          </code>
        </li>
      ))}
      {strays ? (
        <li>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path class="stray" d={strayMark(8, 8)} />
          </svg>
          event of another's run
        </li>
      ) : null}
    </ul>
  );
}

function ArrowList({
  view,
  arrows,
  pairs,
}: {
  readonly view: TrialView;
  readonly arrows: readonly Finding[];
  readonly pairs: number;
}): VNode {
  return (
    <details>
      <summary>
        The arrows as a list: <Counted of={arrows.length} noun="pair" />
        {pairs > arrows.length ? (
          <>
            {' '}
            of <Counted of={pairs} noun="pair" />
          </>
        ) : null}
      </summary>
      <ul>
        {arrows.map((finding) => (
          <li key={findingId(view, finding)}>
            <Untrusted text={finding.message} />, at <Milliseconds of={finding.t} />
          </li>
        ))}
      </ul>
    </details>
  );
}
