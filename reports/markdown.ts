import { showUntrustedUpTo } from './untrusted.ts';

const TEXT_CHARACTERS_MAX = 400;

/**
 * Untrusted text as a code span: one line, a fence longer than any run of backticks in it, and no `<`,
 * so that not even a renderer that knows nothing of code spans sees a tag.
 */
export function code(text: string, charactersMax = TEXT_CHARACTERS_MAX): string {
  const shown = showUntrustedUpTo(text, charactersMax).replaceAll('<', '&lt;');
  if (shown === '') return '(empty)';
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = /^[` ]|[` ]$/.test(shown) ? ' ' : '';
  return `${fence}${pad}${shown}${pad}${fence}`;
}

/**
 * {@link code} inside a table, where a bar ends the cell even in a code span unless a backslash is before it
 * that does not belong to another one.
 */
export function cell(text: string): string {
  return code(
    text.replaceAll(
      /(\\*)\|/g,
      (_, run: string) => `${run}${run.length % 2 === 0 ? '\\' : '\\\\'}|`,
    ),
  );
}

/** A heading, an empty line, the lines, an empty line. */
export function section(title: string, lines: readonly string[]): string[] {
  return [`## ${title}`, '', ...lines, ''];
}

/** A table; cells are Markdown already ({@link cell} for what is not ours). Nothing without rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}
