/**
 * Everything that a terminal, a log viewer or a browser would obey or hide instead of show: control
 * characters (escape sequences, carriage returns, line breaks), format characters (bidirectional
 * overrides, zero-width characters, tags), line separators, lone surrogates, private use, and
 * whatever else is drawn as nothing.
 */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * A text from a target (or a file) as one harmless line: every character of {@link UNSHOWABLE} becomes
 * `\u{…}`. All reports pass such text through here, so nothing a target sends can move the cursor,
 * change colours, reverse a line or forge a second one. Nor can it command a build server that reads
 * along: what such a command begins with is broken up.
 */
export function showUntrusted(text: string): string {
  return text.replace(UNSHOWABLE, escaped).replace(COMMAND, escaped);
}

/** Beginnings of workflow commands of GitHub Actions (`::`, `##[`) and of Azure Pipelines (`##vso[`). */
const COMMAND = /(?<=^ *):(?=:)|#(?=#(?:vso)?\[)/g;

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** {@link showUntrusted}, cut to so many characters with an ellipsis. */
export function showUntrustedUpTo(text: string, charactersMax: number): string {
  // Cut first: showing only grows a text, and a target's text can be megabytes long.
  const points = Array.from(text.slice(0, 2 * charactersMax + 2));
  if (points.length <= charactersMax) return showUntrusted(text);
  return `${showUntrusted(points.slice(0, charactersMax - 1).join(''))}…`;
}
