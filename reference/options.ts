import { parseArgs } from 'node:util';
import { FAULTS, VARIANTS } from './catalogue.ts';

/** How a target is to be started. */
export interface TargetOptions {
  /** 0 for any free port. */
  readonly port: number;
  readonly host: string;
  readonly faults: readonly string[];
  readonly variants: readonly string[];
  /** File of the ground-truth log, or null for none. */
  readonly truth: string | null;
  readonly seed: string;
  /** Factor on the agent's pauses: 1 is a run of about 2.5 s. */
  readonly pace: number;
  /** A question that holds this word makes the tool fail. */
  readonly failWord: string | null;
  /** Key of the end-to-end sign-in; null switches that sign-in off. */
  readonly e2eKey: string | null;
  readonly tokenTtlSeconds: number;
  readonly heartbeatSeconds: number;
  readonly idleSeconds: number;
}

/** The outcome of reading a command line: options, or every mistake in it. */
export type ParsedOptions =
  | { readonly kind: 'options'; readonly options: TargetOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

/** What a target does if nothing is asked of it: loopback, any free port, clean, 2.5 s a run. */
export const DEFAULT_OPTIONS: TargetOptions = {
  port: 0,
  host: '127.0.0.1',
  faults: [],
  variants: [],
  truth: null,
  seed: 'reference',
  pace: 1,
  failWord: null,
  e2eKey: null,
  tokenTtlSeconds: 900,
  heartbeatSeconds: 15,
  idleSeconds: 240,
};

/** The text that `--help` prints. */
export const USAGE = `Usage: node --import tsx reference/main.ts [options]

Serves the reference target until interrupted. The first line on standard output is {"url":…}.

  --port PORT            port to listen on; 0 (default) is any free one
  --host HOST            address to bind; 127.0.0.1 unless given
  --fault NAME[,NAME]    faults to switch on, repeatable
  --variant NAME[,NAME]  legal variants to switch on, repeatable
  --truth FILE           append the ground truth of every deliberate deviation to FILE
  --seed S               1 to 64 of A-Za-z0-9_-; whatever is drawn depends on it alone
  --pace FACTOR          1 is a run of about 2.5 s, 0.1 is ten times faster
  --fail-word W          a question that holds this word makes the tool fail
  --e2e-key K            key of POST /auth/e2e/test-auth, which is off without it
  --token-ttl SECONDS    life of an access token (900)
  --heartbeat SECONDS    interval of heartbeats (15)
  --idle SECONDS         a silent connection is closed after this long (240)
`;

const SEED_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

const FLAGS = {
  port: { type: 'string' },
  host: { type: 'string' },
  fault: { type: 'string', multiple: true },
  variant: { type: 'string', multiple: true },
  truth: { type: 'string' },
  seed: { type: 'string' },
  pace: { type: 'string' },
  'fail-word': { type: 'string' },
  'e2e-key': { type: 'string' },
  'token-ttl': { type: 'string' },
  heartbeat: { type: 'string' },
  idle: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** Reads a command line, without the program's own name, and collects every mistake in it. */
export function parseOptions(words: readonly string[]): ParsedOptions {
  const reader = new OptionReader(words);
  if (reader.has('help')) return { kind: 'help' };
  const options: TargetOptions = {
    port: reader.number('port', { min: 0, max: 65_535, whole: true }) ?? DEFAULT_OPTIONS.port,
    host: reader.text('host') ?? DEFAULT_OPTIONS.host,
    faults: reader.names('fault', FAULTS),
    variants: reader.names('variant', VARIANTS),
    truth: reader.text('truth'),
    seed: reader.text('seed') ?? DEFAULT_OPTIONS.seed,
    pace: reader.number('pace', { min: 0, max: 100 }) ?? DEFAULT_OPTIONS.pace,
    failWord: reader.text('fail-word'),
    e2eKey: reader.text('e2e-key'),
    tokenTtlSeconds: reader.number('token-ttl', SECONDS) ?? DEFAULT_OPTIONS.tokenTtlSeconds,
    heartbeatSeconds: reader.number('heartbeat', SECONDS) ?? DEFAULT_OPTIONS.heartbeatSeconds,
    idleSeconds: reader.number('idle', SECONDS) ?? DEFAULT_OPTIONS.idleSeconds,
  };
  if (!SEED_PATTERN.test(options.seed)) {
    reader.errors.push(`--seed must be 1 to 64 of A-Za-z0-9_-, got "${options.seed}".`);
  }
  return reader.errors.length > 0
    ? { kind: 'errors', errors: reader.errors }
    : { kind: 'options', options };
}

interface NumberRule {
  readonly min: number;
  readonly max: number;
  readonly whole?: true;
}

const SECONDS: NumberRule = { min: 0.05, max: 86_400 };

class OptionReader {
  readonly errors: string[] = [];
  private readonly values: Readonly<Record<string, unknown>>;

  constructor(words: readonly string[]) {
    const { values, tokens } = parseArgs({
      args: [...words],
      options: FLAGS,
      strict: false,
      allowPositionals: true,
      tokens: true,
    });
    this.values = values;
    for (const token of tokens) {
      if (token.kind === 'positional') this.errors.push(`Unexpected word "${token.value}".`);
      if (token.kind === 'option' && !(token.name in FLAGS)) {
        this.errors.push(`Unknown option "${token.rawName}". Try --help.`);
      }
    }
  }

  has(flag: keyof typeof FLAGS): boolean {
    return this.values[flag] === true;
  }

  text(flag: keyof typeof FLAGS): string | null {
    const value = this.values[flag];
    if (value === undefined) return null;
    if (typeof value === 'string' && value !== '') return value;
    this.errors.push(`--${flag} needs a value.`);
    return null;
  }

  number(flag: keyof typeof FLAGS, rule: NumberRule): number | null {
    const text = this.text(flag);
    if (text === null) return null;
    const value = Number(text);
    const acceptable =
      text.trim() !== '' && value >= rule.min && value <= rule.max && !(rule.whole && value % 1);
    if (acceptable) return value;
    const kind = rule.whole === true ? 'a whole number' : 'a number';
    this.errors.push(`--${flag} must be ${kind} from ${rule.min} to ${rule.max}, got "${text}".`);
    return null;
  }

  names(flag: keyof typeof FLAGS, known: readonly { readonly name: string }[]): readonly string[] {
    const given = this.values[flag];
    const words = (Array.isArray(given) ? given : []).flatMap((value) => String(value).split(','));
    const wanted = [...new Set(words.map((word) => word.trim()))];
    for (const name of wanted) {
      if (known.some((entry) => entry.name === name)) continue;
      this.errors.push(
        `Unknown ${flag} "${name}". Known: ${known.map((entry) => entry.name).join(', ')}.`,
      );
    }
    return wanted;
  }
}
