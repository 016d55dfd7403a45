import type { VNode } from 'preact';
import type { Metrics, Percentiles, Verdict, VerdictUser } from '../../history/verdict.ts';
import { Milliseconds, Wide } from './figures.tsx';
import { TableHead } from './structure.tsx';

interface Measure {
  readonly name: string;
  readonly percentiles: Percentiles | null;
  /** One value per user, where the verdict has them. */
  readonly values: readonly number[];
  readonly ofHarness: boolean;
}

const WIDTH = 760;
const LABEL_WIDTH = 130;
const RIGHT = 24;
const ROW_HEIGHT = 34;
const TOP = 24;
/** The axis begins here: less is not told apart by eye. */
const MS_MIN = 0.1;

/** Percentiles of every latency on one logarithmic axis, with the harness's own delay beside them. */
export function LatencyChart({ verdict }: { readonly verdict: Verdict }): VNode {
  const measures = measuresOf(verdict).filter(({ percentiles }) => percentiles !== null);
  if (measures.length === 0) return <p class="quiet">No latency was measured.</p>;
  return (
    <>
      <p class="lead">
        Each dot is a user, the bar reaches from the median to the ninety-ninth percentile, the
        stroke is the ninety-fifth. What the harness itself was late stands beside: a latency near
        it says nothing about the target.
      </p>
      <Wide label="Latency chart">
        <Chart measures={measures} />
      </Wide>
      <Wide label="Latency percentiles">
        <PercentileTable measures={measures} />
      </Wide>
    </>
  );
}

function measuresOf({ metrics, users }: Verdict): Measure[] {
  const ofUsers = (value: (user: VerdictUser) => number | null): number[] =>
    users.map(value).filter((ms) => ms !== null);
  const measure = (name: string, key: PercentileKey, values: readonly number[] = []): Measure => ({
    name,
    percentiles: metrics[key],
    values,
    ofHarness: key === 'harnessDelayMs',
  });
  return [
    measure(
      'connect',
      'connectMs',
      ofUsers(({ latencyMs }) => latencyMs.connect),
    ),
    measure(
      'first event',
      'firstEventMs',
      ofUsers(({ latencyMs }) => latencyMs.firstEvent),
    ),
    measure('delivery', 'deliveryMs'),
    measure(
      'whole run',
      'runMs',
      ofUsers(({ latencyMs }) => latencyMs.run),
    ),
    measure('API call', 'apiMs'),
    measure('harness delay', 'harnessDelayMs'),
  ];
}

type PercentileKey = {
  [Key in keyof Metrics]: Metrics[Key] extends Percentiles | null ? Key : never;
}[keyof Metrics];

function Chart({ measures }: { readonly measures: readonly Measure[] }): VNode {
  const height = TOP + measures.length * ROW_HEIGHT;
  const longest = Math.max(...measures.map(({ percentiles }) => percentiles?.max ?? 0));
  const msMax = 10 ** Math.ceil(Math.log10(Math.max(10, longest)));
  const x = (ms: number): number => {
    const share = Math.log10(Math.max(MS_MIN, ms) / MS_MIN) / Math.log10(msMax / MS_MIN);
    return Math.round((LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH - RIGHT)) * 10) / 10;
  };
  return (
    <svg
      class="latency"
      viewBox={`0 0 ${WIDTH} ${height}`}
      role="img"
      aria-label="Latencies on a logarithmic axis; the numbers stand in the table below"
    >
      {decades(msMax).map((ms) => (
        <g key={ms} class="axis">
          <line x1={x(ms)} x2={x(ms)} y1={TOP - 4} y2={height} />
          <text x={x(ms)} y={TOP - 10} text-anchor="middle">
            {ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`}
          </text>
        </g>
      ))}
      {measures.map((measure, row) => (
        <Row key={measure.name} measure={measure} y={TOP + row * ROW_HEIGHT} x={x} />
      ))}
    </svg>
  );
}

function decades(msMax: number): number[] {
  const marks: number[] = [];
  for (let ms = MS_MIN; ms <= msMax * 1.001; ms *= 10) marks.push(Number(ms.toPrecision(1)));
  return marks;
}

function Row({
  measure: { name, percentiles, values, ofHarness },
  y,
  x,
}: {
  readonly measure: Measure;
  readonly y: number;
  readonly x: (ms: number) => number;
}): VNode {
  const middle = y + ROW_HEIGHT / 2;
  return (
    <g class={ofHarness ? 'row harness' : 'row'}>
      <text x={0} y={middle + 4}>
        {name}
      </text>
      {percentiles === null ? null : (
        <>
          <line
            class="reach"
            x1={x(percentiles.p50)}
            x2={x(percentiles.max)}
            y1={middle}
            y2={middle}
          />
          <rect
            x={x(percentiles.p50)}
            y={middle - 6}
            width={Math.max(2, x(percentiles.p99) - x(percentiles.p50))}
            height={12}
            rx={2}
          />
          <path class="p95" d={`M${x(percentiles.p95)} ${middle - 9}v18`} />
        </>
      )}
      {/* Lines of no length with round ends are dots, and many of them one element. */}
      {values.length === 0 ? null : (
        <path class="dots" d={values.map((ms) => `M${x(ms)} ${middle}h0`).join('')} />
      )}
    </g>
  );
}

function PercentileTable({ measures }: { readonly measures: readonly Measure[] }): VNode {
  return (
    <table>
      <TableHead
        columns={['Latency', ...['p50', 'p95', 'p99', 'max'].map((name) => ({ number: name }))]}
      />
      <tbody>
        {measures.map(({ name, percentiles, ofHarness }) =>
          percentiles === null ? null : (
            <tr key={name} class={ofHarness ? 'harness' : undefined}>
              <th scope="row">{name}</th>
              {[percentiles.p50, percentiles.p95, percentiles.p99, percentiles.max].map(
                (ms, index) => (
                  <td key={index} class="number">
                    <Milliseconds of={ms} />
                  </td>
                ),
              )}
            </tr>
          ),
        )}
      </tbody>
    </table>
  );
}
