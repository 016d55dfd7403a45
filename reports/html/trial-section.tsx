import type { VNode } from 'preact';
import { AccessTable, Calibration, Confidence, RulesTable, Searched } from './evidence.tsx';
import { EventsTable } from './events-table.tsx';
import { Code, Duration, OutcomeMark, Part, Untrusted } from './figures.tsx';
import { Findings } from './findings.tsx';
import { GatesTable } from './gates-table.tsx';
import { IsolationMatrix } from './isolation-matrix.tsx';
import { LatencyChart } from './latency-chart.tsx';
import { Timeline } from './timeline.tsx';
import type { TrialView } from './trial-view.ts';
import { Fact } from './structure.tsx';

/** A part of a trial's section. */
interface PartSpec {
  readonly key: string;
  readonly title: string;
  readonly applies?: (view: TrialView) => boolean;
  readonly body: (view: TrialView) => VNode;
}

const PARTS: readonly PartSpec[] = [
  {
    key: 'findings',
    title: 'Findings',
    applies: ({ verdict }) => verdict.findings.length > 0,
    body: (view) => <Findings view={view} />,
  },
  {
    key: 'gates',
    title: 'Service levels',
    body: ({ verdict }) => <GatesTable gates={verdict.gates} />,
  },
  {
    key: 'events',
    title: 'Events of each user',
    body: ({ verdict }) => <EventsTable verdict={verdict} />,
  },
  {
    key: 'matrix',
    title: 'Isolation matrix',
    body: ({ verdict }) => <IsolationMatrix verdict={verdict} />,
  },
  { key: 'timeline', title: 'Timeline', body: (view) => <Timeline view={view} /> },
  {
    key: 'latency',
    title: 'Latency',
    body: ({ verdict }) => <LatencyChart verdict={verdict} />,
  },
  {
    key: 'searched',
    title: 'What was searched',
    body: ({ verdict }) => <Searched verdict={verdict} />,
  },
  {
    key: 'confidence',
    title: 'Overlap and confidence',
    body: ({ verdict }) => <Confidence verdict={verdict} />,
  },
  {
    key: 'calibration',
    title: 'Calibration of the detector',
    body: ({ verdict }) => <Calibration verdict={verdict} />,
  },
  {
    key: 'access',
    title: 'Hostile access',
    applies: ({ verdict }) => verdict.access.length > 0,
    body: ({ verdict }) => <AccessTable access={verdict.access} />,
  },
  {
    key: 'rules',
    title: 'Rules',
    body: ({ verdict }) => <RulesTable rules={verdict.rules} />,
  },
  { key: 'again', title: 'See it again', body: (view) => <Again view={view} /> },
];

/** The parts that a trial has, for its section and the table of contents. */
export function partsOf(view: TrialView): { readonly id: string; readonly title: string }[] {
  return PARTS.filter(({ applies }) => applies?.(view) ?? true).map(({ key, title }) => ({
    id: `${view.id}-${key}`,
    title,
  }));
}

/** One trial in full. Folded where others matter more; nothing is left out by folding. */
export function TrialSection({
  view,
  open,
}: {
  readonly view: TrialView;
  readonly open: boolean;
}): VNode {
  const { verdict, id, name } = view;
  return (
    <details class={`trial ${verdict.verdict}`} open={open}>
      <summary>
        <h2 id={id}>{name}</h2> <OutcomeMark outcome={verdict.verdict} />{' '}
        <span class="quiet">
          {verdict.cause === null ? null : <>{verdict.cause}, </>}
          <Duration of={verdict.trial.durationMs} />
        </span>
      </summary>
      {PARTS.map(({ key, title, applies, body }) =>
        (applies?.(view) ?? true) ? (
          <Part key={key} id={`${id}-${key}`} title={title}>
            {body(view)}
          </Part>
        ) : null,
      )}
    </details>
  );
}

function Again({ view: { judged, verdict } }: { readonly view: TrialView }): VNode {
  const { reproduce, seed, startedAt } = verdict.trial;
  return (
    <dl class="facts">
      <Fact name="Reproduce">
        <Code text={reproduce} />
      </Fact>
      <Fact name="Judge the same record again">
        <Code text={`npx crosstalk judge ${judged.history}`} />
      </Fact>
      <Fact name="Seed">
        <Code text={seed} />
      </Fact>
      <Fact name="Started">
        <Untrusted text={startedAt} />
      </Fact>
    </dl>
  );
}
