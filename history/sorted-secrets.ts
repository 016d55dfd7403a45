/** What of a secret stands at a place. */
export interface SecretPiece {
  /** The whole of it; undefined where several secrets begin like this. */
  readonly secret: string | undefined;
  readonly length: number;
}

/** Characters by which a beginning must differ from the beginnings of all others to say whose it is. */
const OWN_CHARACTERS_MIN = 4;
/** Part of a secret that must be there: what is often put before a signature (an id) is less. */
const CUT_OFF_MIN = 2 / 3;

/**
 * Secrets in order, so that the one that a text goes on like is found by halving however many there are. One
 * that is cut off is found too, where most of it is there.
 */
export class SortedSecrets {
  readonly #sorted: string[] = [];
  readonly #lengths = new Set<number>();
  #longest = 0;

  get size(): number {
    return this.#sorted.length;
  }

  add(secret: string): void {
    const at = this.#placeOf(secret);
    if (this.#sorted[at] === secret) return;
    this.#sorted.splice(at, 0, secret);
    this.#lengths.add(secret.length);
    this.#longest = Math.max(this.#longest, secret.length);
  }

  /** The secret that stands in a text from a position on: all of it, or most of it. */
  at(text: string, from: number): SecretPiece | undefined {
    const there = text.slice(from, from + this.#longest);
    const place = this.#placeOf(there);
    if (this.#sorted[place] === there) return { secret: there, length: there.length };
    const before = alike(this.#sorted[place - 1], there);
    const behind = alike(this.#sorted[place], there);
    return (
      this.#wholeIn(there, Math.max(before, behind)) ??
      (before > behind
        ? this.#cutOff(place - 1, before, behind)
        : this.#cutOff(place, behind, before))
    );
  }

  #wholeIn(there: string, length: number): SecretPiece | undefined {
    let longest = 0;
    for (const one of this.#lengths)
      if (one > longest && one <= length) {
        const secret = there.slice(0, one);
        if (this.#sorted[this.#placeOf(secret)] === secret) longest = one;
      }
    return longest === 0 ? undefined : { secret: there.slice(0, longest), length: longest };
  }

  #cutOff(place: number, length: number, otherSide: number): SecretPiece | undefined {
    const secret = this.#sorted[place];
    if (secret === undefined || length < secret.length * CUT_OFF_MIN) return undefined;
    const shared = Math.max(
      otherSide,
      alike(this.#sorted[place - 1], secret),
      alike(this.#sorted[place + 1], secret),
    );
    return { secret: length >= shared + OWN_CHARACTERS_MIN ? secret : undefined, length };
  }

  /** Where it stands, or would stand, in the order. */
  #placeOf(text: string): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle] ?? '') < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** How many characters two texts begin with alike. */
function alike(one: string | undefined, other: string): number {
  if (one === undefined) return 0;
  const shorter = Math.min(one.length, other.length);
  let length = 0;
  while (length < shorter && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return length;
}
