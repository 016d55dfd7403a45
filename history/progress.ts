/**
 * What a running trial says of itself while it runs, for whoever shows progress. One JSON text after a
 * record separator per line (RFC 7464), so that it passes through any pipe among other output.
 */
export type Progress =
  | {
      readonly kind: 'trial';
      readonly scenario: string;
      readonly transport: string;
      readonly target: string;
      readonly url: string;
      readonly users: number;
      readonly seed: string;
      readonly dir: string;
    }
  | {
      readonly kind: 'phase';
      readonly phase: string;
      readonly done: number;
      readonly failed: number;
      readonly total: number;
      readonly elapsedMs: number;
      readonly over: boolean;
    }
  /** The first violation seen while the trial still runs. */
  | { readonly kind: 'violation'; readonly rule: string; readonly message: string }
  | { readonly kind: 'remark'; readonly text: string };

const SEPARATOR = '\u001e';

/** One line to write to standard output. */
export function encodeProgress(progress: Progress): string {
  return `${SEPARATOR}${JSON.stringify(progress)}\n`;
}

/** The progress a line holds, or undefined for any other output. */
export function decodeProgress(line: string): Progress | undefined {
  if (!line.startsWith(SEPARATOR)) return undefined;
  try {
    const value: unknown = JSON.parse(line.slice(1));
    return isProgress(value) ? value : undefined;
  } catch {
    return undefined; // Other output that happens to begin with a separator is shown as it is.
  }
}

function isProgress(value: unknown): value is Progress {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
