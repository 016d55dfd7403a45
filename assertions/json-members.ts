import { hasMembers } from '../history/json-object.ts';

/** Values of a frame that are looked at. */
const VALUES_MAX = 20_000;

/** A text or a number in a frame. */
export interface Member {
  readonly text: string;
  /** Its name, or that of the list it stands in. */
  readonly name: string;
  /** The name of what it is a member of. */
  readonly of: string;
  readonly path: string;
}

/** Texts and numbers of a frame. */
export function* membersOf(frame: unknown): Generator<Member> {
  const stack = [{ value: frame, name: '', of: '', path: '' }];
  for (let looked = 0; looked < VALUES_MAX; looked += 1) {
    const member = stack.pop();
    if (member === undefined) return;
    const { value, name, of, path } = member;
    if (typeof value === 'string' || typeof value === 'number')
      yield { text: String(value), name, of, path };
    else if (Array.isArray(value))
      for (const [i, inner] of value.entries())
        stack.push({ value: inner as unknown, name, of, path: `${path}[${i}]` });
    else if (hasMembers(value))
      for (const [key, inner] of Object.entries(value))
        stack.push({
          value: inner,
          name: key,
          of: name,
          path: path === '' ? key : `${path}.${key}`,
        });
  }
}
