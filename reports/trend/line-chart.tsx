import type { VNode } from 'preact';

const WIDTH = 720;
const HEIGHT = 140;
const LEFT = 72;
const BOTTOM = 22;
const TOP = 14;

/** Values of one quantity, one for each night; null where nothing was measured. */
export interface LineChartProps {
  readonly title: string;
  readonly dates: readonly string[];
  readonly values: readonly (number | null)[];
  /** The gate, night by night, where there is one. */
  readonly limits?: readonly (number | null)[];
  /** Equal steps for equal factors, for what shrinks by orders of magnitude. */
  readonly logarithmic?: boolean;
  readonly format: (value: number) => string;
}

/**
 * A line over nights, with its gate as a second one. A night without a value breaks the line: nothing is
 * drawn where nothing was measured. The numbers stand in the table of nights as well.
 */
export function LineChart(props: LineChartProps): VNode | null {
  const { title, dates, values, limits = [], format } = props;
  const known = [...values, ...limits].filter((value) => value !== null);
  const measured = values.filter((value) => value !== null);
  if (measured.length === 0) return null;
  const scale = scaleOf(known, props.logarithmic === true);
  const x = (index: number): number =>
    LEFT + ((WIDTH - LEFT - 10) * (index + 0.5)) / Math.max(1, dates.length);
  const y = (value: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - scale.share(value));
  const last = measured.at(-1);
  return (
    <figure>
      <figcaption>
        {title}
        {last === undefined ? '' : `: last ${format(last)}`}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}, by night`}>
        <line class="axis" x1={LEFT} x2={WIDTH} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
        <text x={LEFT - 6} y={TOP + 4} text-anchor="end">
          {format(scale.high)}
        </text>
        <text x={LEFT - 6} y={HEIGHT - BOTTOM} text-anchor="end">
          {format(scale.low)}
        </text>
        <text x={LEFT} y={HEIGHT - 6}>
          {dates[0] ?? ''}
        </text>
        <text x={WIDTH} y={HEIGHT - 6} text-anchor="end">
          {dates.at(-1) ?? ''}
        </text>
        {limits.length === 0 ? null : <path class="gate" d={pathOf(limits, x, y)} />}
        <path class="line" d={pathOf(values, x, y)} />
        {values.map((value, index) =>
          value === null ? null : (
            <circle
              class={isOver(value, limits[index]) ? 'over' : 'point'}
              cx={x(index)}
              cy={y(value)}
              r="3"
            >
              <title>{`${dates[index] ?? ''}: ${format(value)}`}</title>
            </circle>
          ),
        )}
      </svg>
    </figure>
  );
}

interface Scale {
  readonly low: number;
  readonly high: number;
  /** Place of a value between low (0) and high (1). */
  share(value: number): number;
}

function scaleOf(values: readonly number[], logarithmic: boolean): Scale {
  const positive = values.filter((value) => value > 0);
  if (logarithmic && positive.length > 0) {
    const low = Math.min(...positive) / 2;
    const high = Math.max(...positive) * 2;
    const span = Math.log(high / low);
    return { low, high, share: (value) => Math.log(Math.max(low, value) / low) / span };
  }
  const high = Math.max(1e-9, ...values) * 1.1;
  return { low: 0, high, share: (value) => value / high };
}

type Place = (value: number) => number;

/** A line through the points that there are, broken where there is none. */
function pathOf(values: readonly (number | null)[], x: Place, y: Place): string {
  let pen = 'M';
  return values
    .map((value, index) => {
      if (value === null) {
        pen = 'M';
        return '';
      }
      const point = `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = 'L';
      return point;
    })
    .join('');
}

function isOver(value: number, limit: number | null | undefined): boolean {
  return limit !== null && limit !== undefined && value > limit;
}
