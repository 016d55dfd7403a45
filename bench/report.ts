import type { Limit } from './limits.ts';
import type { Spread } from './statistics.ts';

/** What a group of measurements works with. */
export interface Workbench {
  readonly rounds: number;
  readonly quick: boolean;
  /** For casts, journals and histories; removed at the end. */
  readonly dir: string;
  readonly profileDir: string | undefined;
  progress(text: string): void;
}

/** A line of a table: columns by name, each a value or a median with its range. */
export interface Row {
  readonly name: string;
  readonly values: Readonly<Record<string, number | Spread>>;
}

export interface Measurement {
  readonly title: string;
  /** What was measured, in sentences. */
  readonly notes: readonly string[];
  readonly rows: readonly Row[];
  readonly judged: readonly (Limit & { readonly actual: number })[];
}

/** Whether a measurement stays below all its limits. */
export function isWithin({ judged }: Measurement): boolean {
  return judged.every(({ actual, limit }) => actual <= limit);
}

/** A measurement as text for a terminal. */
export function render({ title, notes, rows, judged }: Measurement): string {
  const width = Math.max(...[...rows, ...judged].map(({ name }) => name.length));
  const lines = rows.map(({ name, values }) => {
    const cells = Object.entries(values).map(([column, value]) => `${shown(value)} ${column}`);
    return `  ${name.padEnd(width)}  ${cells.join('   ')}`;
  });
  const verdicts = judged.map(({ name, actual, unit, limit, aim }) => {
    const aimed = aim === undefined ? '' : `, aim ${aim}`;
    const mark = actual <= limit ? 'ok  ' : 'OVER';
    return `  ${mark} ${name.padEnd(width)}  ${number(actual)} ${unit}  (limit ${limit}${aimed})`;
  });
  return [title, ...notes.map((note) => `  ${note}`), ...lines, ...verdicts, ''].join('\n');
}

function shown(value: number | Spread): string {
  return typeof value === 'number'
    ? number(value)
    : `${number(value.median)} (${number(value.min)}-${number(value.max)})`;
}

function number(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}
