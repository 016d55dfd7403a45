import type { Observation } from '../history/observation.ts';
import { parseObject } from './json-frame.ts';

/** Names that are listed; a target may make up new ones. */
const NAMES_MAX = 8;
const NAME_CHARACTERS_MAX = 40;
/** Members by which envelopes usually say what they are. */
const TYPE_MEMBERS = ['type', 'event', 'kind', 'method', 'action', 'name', '@type'];

/** What was received that the profile recognises as no agent event, by what it is called, for a message. */
export class UnrecognisedFrames {
  readonly #counts = new Map<string, number>();
  #others = 0;
  #frames = 0;

  note(observation: Observation): void {
    this.#frames += 1;
    const name = nameOf(observation);
    const known = this.#counts.get(name);
    if (known !== undefined || this.#counts.size < NAMES_MAX)
      this.#counts.set(name, (known ?? 0) + 1);
    else this.#others += 1;
  }

  /** Undefined where there was none. */
  describe(): string | undefined {
    if (this.#frames === 0) return undefined;
    const names = [...this.#counts].map(([name, count]) => `${name} (${count})`);
    if (this.#others > 0) names.push(`others (${this.#others})`);
    const [frames, are] = this.#frames === 1 ? ['frame', 'is'] : ['frames', 'are'];
    return `${this.#frames} ${frames} came that ${are} no agent event to the profile's decode: ${names.join(', ')}`;
  }
}

/** What decode calls it, else what it calls itself. */
function nameOf({ event, content = '' }: Observation): string {
  if (event !== undefined) return shortened(event);
  const frame = parseObject(content);
  const type = TYPE_MEMBERS.map((member) => frame?.[member]).find((value) => isName(value));
  return isName(type) ? shortened(type) : 'without a type';
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function shortened(name: string): string {
  return name.length > NAME_CHARACTERS_MAX ? `${name.slice(0, NAME_CHARACTERS_MAX)}…` : name;
}
