import { ALPHABET, MARKER_LENGTH } from '../history/markers.ts';

/** Members whose value says what or when something is, not who says what to whom. */
const KEPT_MEMBER =
  /(?:^|_)(?:id|ids|uuid|type|event|status|role|sequence|index|timestamp|time|at)$|(?:Id|Ids|Type|At)$/;
/** A value that can be an id, a type or a time; free text in such a member is masked all the same. */
const KEPT_VALUE = /^[\w.:+-]{1,128}$/;

/**
 * A frame that belongs to a person outside the crowd, without that person's texts (DESIGN §3.3): every
 * text becomes `[masked:<n> chars]`, except ids, types and times, so that a reviewer still sees what kind
 * of event it was and whose. Markers of the crowd inside such a text are our own and are kept: they are
 * the evidence. Object keys are kept. Deep frames are walked without recursion.
 */
export function masked(frame: unknown, campaignPrefix: string): unknown {
  const marker = new RegExp(
    `${campaignPrefix}[${ALPHABET}]{${MARKER_LENGTH - campaignPrefix.length}}`,
    'gi',
  );
  let result: unknown;
  const open: Slot[] = [
    {
      value: frame,
      kept: false,
      put: (value) => {
        result = value;
      },
    },
  ];
  for (let slot = open.pop(); slot !== undefined; slot = open.pop()) {
    const { value, kept, put } = slot;
    if (typeof value === 'string')
      put(kept && KEPT_VALUE.test(value) ? value : maskedText(value, marker));
    else if (Array.isArray(value)) put(copyOfArray(value, kept, open));
    else if (typeof value === 'object' && value !== null) put(copyOfObject(value, open));
    else put(value);
  }
  return result;
}

/** A value still to be looked at, and where its masked form goes. */
interface Slot {
  readonly value: unknown;
  readonly kept: boolean;
  readonly put: (value: unknown) => void;
}

function copyOfArray(values: readonly unknown[], kept: boolean, open: Slot[]): unknown[] {
  const copy: unknown[] = [];
  for (const [at, value] of values.entries())
    open.push({
      value,
      kept,
      put: (result) => {
        copy[at] = result;
      },
    });
  return copy;
}

function copyOfObject(object: object, open: Slot[]): object {
  const copy: Record<string, unknown> = { ...object };
  for (const [name, value] of Object.entries(copy))
    open.push({
      value,
      kept: KEPT_MEMBER.test(name),
      put: (result) => {
        copy[name] = result;
      },
    });
  return copy;
}

function maskedText(text: string, marker: RegExp): string {
  const own = text.match(marker) ?? [];
  return [`[masked:${text.length} chars]`, ...own].join(' ');
}
