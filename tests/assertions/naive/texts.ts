import type { Line } from './trial.ts';

/** Everything an observation says. */
export function textsOf({ content, headers = {}, url, message }: Line): string[] {
  const said = [content, ...Object.values(headers), url, message];
  return said.filter((text) => text !== undefined).flatMap((text) => [text, ...decoded(text)]);
}

/** What is in base64 in a text, however it is aligned. */
function decoded(text: string): string[] {
  return [...text.matchAll(/[A-Za-z0-9+/]{20,}/g)].map(([run]) =>
    Buffer.from(run, 'base64').toString('latin1'),
  );
}

export function holdsId(text: string, id: string): boolean {
  const [whole, wanted] = [text.toLowerCase(), id.toLowerCase()];
  for (let at = whole.indexOf(wanted); at !== -1; at = whole.indexOf(wanted, at + 1))
    if (
      !/[a-z0-9]/.test(whole.charAt(at - 1)) &&
      !/[a-z0-9]/.test(whole.charAt(at + wanted.length))
    )
      return true;
  return false;
}

/** A text without an id, where it is no part of a longer word. */
export function withoutWhole(text: string, id: string): string {
  return text
    .split(id)
    .reduce((before, after) =>
      /[a-z0-9]$/.test(before) || /^[a-z0-9]/.test(after)
        ? before + id + after
        : `${before}\n${after}`,
    );
}

export function payloadText(
  { content = '{}' }: Line,
  names: readonly string[],
): string | undefined {
  const frame: unknown = JSON.parse(content);
  const payload = Object(Object(frame).payload);
  const values = names.map((name): unknown => payload[name]);
  return values.find((value) => typeof value === 'string');
}

/** Texts and numbers, each with the names that it goes by: its own, and with that of what it is a member of. */
export function valuesIn(value: unknown, of = '', name = ''): { names: string[]; text: string }[] {
  if (typeof value === 'string' || typeof value === 'number')
    return [{ names: [name, `${of}.${name}`], text: String(value) }];
  if (Array.isArray(value)) return value.flatMap((inner) => valuesIn(inner, of, name));
  return Object.entries(Object(value)).flatMap(([key, inner]) => valuesIn(inner, name, key));
}

export function isJson(content = ''): boolean {
  try {
    JSON.parse(content);
    return true;
  } catch {
    return false;
  }
}
