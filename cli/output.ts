import { jsonText } from '../reports/json-text.ts';
import { mayColor } from '../reports/may-color.ts';

/** Where a command prints: results on standard output, everything else on standard error. */
export interface Output {
  /** `--json`: one JSON document on standard output and nothing else there. */
  readonly json: boolean;
  /** `--quiet`: no progress. */
  readonly quiet: boolean;
  /** Whether standard output and standard error may be coloured. */
  readonly color: { readonly out: boolean; readonly err: boolean };
  /** A result as text. Nothing is printed under `--json`. */
  text(text: string): void;
  /** A result as JSON. Nothing is printed without `--json`. */
  document(value: unknown): void;
  /** A remark on standard error. */
  remark(text: string): void;
}

/** The output that the words of a command line ask for, whether or not they are right otherwise. */
export function outputFor(words: readonly string[]): Output {
  const end = words.indexOf('--');
  const options = new Set(end === -1 ? words : words.slice(0, end));
  const json = options.has('--json');
  return {
    json,
    quiet: options.has('--quiet'),
    color: {
      out: mayColor(process.stdout),
      err: mayColor(process.stderr),
    },
    text(text) {
      if (!json) process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    document(value) {
      if (json) process.stdout.write(jsonText(value));
    },
    remark(text) {
      process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
    },
  };
}
