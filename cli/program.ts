import { Command, Option } from 'commander';
import { crosstalkVersion } from './environment.ts';
import type { RawOptions } from './option-reader.ts';
import type { Output } from './output.ts';
import { didYouMean, nearestNames } from './nearest.ts';
import { Mistakes } from './usage-error.ts';

/** One call of one command, as its handler receives it. */
export interface CommandCall {
  readonly options: RawOptions;
  readonly args: readonly string[];
  /** Holds the unknown options already; the handler adds its own and throws them all together. */
  readonly mistakes: Mistakes;
  readonly output: Output;
}

/** Returns the exit code. */
type Handler = (call: CommandCall) => Promise<number>;

interface CommandSpec {
  readonly name: string;
  /** What stands after the name in the usage line. */
  readonly takes: string;
  readonly text: string;
  /** `[flags, text]`; `flags` as in DESIGN §4.1 (`--users N`); `*` in front marks a repeatable one. */
  readonly options: readonly (readonly [flags: string, text: string])[];
  readonly examples: readonly string[];
  /** Loads what the command needs only when it runs: help must stay fast. */
  readonly load: () => Promise<Handler>;
}

const ADDRESSING = [
  [
    '--target NAME|FILE',
    'target profile: a built-in one or a module of yours (reference; CROSSTALK_TARGET)',
  ],
  ['--url URL', "base of all the target's addresses; no embedded target is started then"],
  ['* --address NAME=URL', 'one address: api, auth, socket or page'],
  ['* --header NAME=VALUE', 'header for a gateway; never recorded'],
  ['--users-file FILE', 'JSON array of {email,password} or {token,…}'],
  ['--sign-in METHOD', 'register, password, e2e-key, token or page, as the profile offers'],
  ['--allow-production', 'allow a target that is production'],
] as const;

const EMBEDDED = [
  ['* --fault NAME[,NAME]', 'faults to switch on (crosstalk list faults)'],
  ['* --variant NAME', 'legal variant to switch on (crosstalk list variants)'],
  ['--pace FACTOR', 'pace of the agent: 1 is a run of about 2.5 s'],
] as const;

const BROWSERS = [
  ['--browsers K', 'browser processes over which browser users are spread (1)'],
  ['--browser-users K', 'users of a mixed crowd who use a browser (half of them)'],
  ['--headed', 'show the browser windows; needs a full Chromium or Chrome'],
  ['--slow-mo MS', 'slow every action on a page down by so many milliseconds (0)'],
  ['--trace', 'keep a Playwright trace of each browser user when a trial does not pass'],
] as const;

/** What `run` and `signoff` can be told. */
const CAMPAIGN: CommandSpec['options'] = [
  ...ADDRESSING,
  ['--users N', 'simulated users (10)'],
  [
    '* --transport NAME[,NAME]',
    'websocket, browser, mixed (run: websocket,browser; signoff: all; as far as the profile has a page)',
  ],
  ['--tag TAG', 'run the scenarios with this tag instead of the default one'],
  ['--seed S', '1 to 64 of A-Za-z0-9_- (random)'],
  ['--rounds R', 'questions each user asks, one after the other (1)'],
  ['--timeout SECONDS', 'time limit of each phase (60)'],
  ['--for DURATION', 'how long a scenario that lasts goes on: 90s, 30m (as it says itself)'],
  [
    '--ramp DURATION',
    'time over which the users of soak, or of a lasting scenario of yours, come (0s)',
  ],
  ...EMBEDDED,
  ...BROWSERS,
  ['--fail-fast', 'stop a trial at its first violation'],
  ['--slo FILE', 'other gate limits: {"connect":{"limit":200,"percentile":"p95"}}'],
  ['--notify URL', 'post a small JSON digest of the outcome there afterwards; never recorded'],
  ['--out DIR', 'directory for the artifacts, empty or absent (artifacts/<time>-<seed>)'],
];

const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'run',
    takes: '[scenario...]',
    text: 'run scenarios (names, or paths of spec files; golden-path unless given) and judge them',
    options: CAMPAIGN,
    examples: [
      'crosstalk run',
      'crosstalk run --users 50 --seed 41',
      'crosstalk run --fault broadcast',
      'crosstalk run explore --for 5m',
      'crosstalk run soak --for 30m --ramp 5m',
      'crosstalk run --transport mixed --browser-users 3',
      'crosstalk run --transport browser --users 3 --headed --slow-mo 250',
      'crosstalk run --target netra --url https://staging.example.com --users-file users.json',
      'crosstalk run --json --quiet > result.json',
    ],
    load: async () => (await import('./run-command.ts')).runCommand,
  },
  {
    name: 'signoff',
    takes: '[scenario...]',
    text: 'the release gate: every scenario tagged @signoff on every transport; 0 means GO',
    options: CAMPAIGN,
    examples: [
      'crosstalk signoff',
      'crosstalk signoff --target netra --url https://staging.example.com --users-file users.json',
      'crosstalk signoff --out sign-off --json > decision.json',
    ],
    load: async () => (await import('./signoff-command.ts')).signoffCommand,
  },
  {
    name: 'judge',
    takes: '<dir or history...>',
    text: 'judge recorded histories again, offline',
    options: [['--out DIR', 'write verdicts and a summary there; nothing is written without it']],
    examples: [
      'crosstalk judge artifacts/latest',
      'crosstalk judge artifacts/latest/trials/golden-path-websocket/history.ndjson --json',
      'crosstalk judge kept/*.ndjson --out judged',
    ],
    load: async () => (await import('./judge-command.ts')).judgeCommand,
  },
  {
    name: 'trend',
    takes: '<dir>',
    text: 'render the campaigns in a folder as one page over time: trend.html and trend.json',
    options: [
      [
        '--until DAY',
        'show nights up to this day (2026-01-31), even if nothing ran (the last one)',
      ],
      ['--out DIR', 'directory for the two files (the folder itself)'],
    ],
    examples: ['crosstalk trend artifacts', 'crosstalk trend nights --until 2026-01-31 --json'],
    load: async () => (await import('./trend-command.ts')).trendCommand,
  },
  {
    name: 'report',
    takes: '<dir>',
    text: 'render the reports of a campaign again, from its JSON files and histories',
    options: [],
    examples: ['crosstalk report artifacts/latest', 'crosstalk report nightly/2026-01-31 --json'],
    load: async () => (await import('./report-command.ts')).reportCommand,
  },
  {
    name: 'selftest',
    takes: '',
    text: 'run every fault and every legal variant of the reference target, and print what was caught',
    options: [
      ['* --only NAME[,NAME]', 'these faults and variants alone'],
      ['* --transport NAME', 'websocket or browser (both)'],
    ],
    examples: [
      'crosstalk selftest',
      'crosstalk selftest --only swap,broadcast --transport websocket',
    ],
    load: async () => (await import('./selftest-command.ts')).selftestCommand,
  },
  {
    name: 'target',
    takes: '',
    text: 'serve the reference target until interrupted; the first line is {"url":…}',
    options: [
      ['--port PORT', 'port on 127.0.0.1 (any free one)'],
      ...EMBEDDED,
      ['--truth FILE', 'append every deliberate leak or break to this file'],
      ['--seed S', 'what is drawn by chance depends on it alone (reference)'],
      ['--fail-word W', 'a question with this word makes the tool fail'],
      ['--e2e-key K', 'key of the end-to-end sign-in, which is off without it'],
      ['--token-ttl S', 'seconds an access token lives (900)'],
      ['--heartbeat S', 'seconds between heartbeats (15)'],
      ['--idle S', 'seconds after which a silent connection is closed (240)'],
    ],
    examples: [
      'crosstalk target --port 8080',
      'crosstalk target --fault swap,late-leak --truth truth.ndjson',
    ],
    load: async () => (await import('./target-command.ts')).targetCommand,
  },
  {
    name: 'doctor',
    takes: '',
    text: 'check a target step by step and say what to fix',
    options: [...ADDRESSING, ...EMBEDDED, ['--timeout SECONDS', 'time limit of each step (15)']],
    examples: [
      'crosstalk doctor',
      'crosstalk doctor --target ./my-target.ts --url https://staging.example.com',
    ],
    load: async () => (await import('./doctor-command.ts')).doctorCommand,
  },
  {
    name: 'list',
    takes: 'scenarios|targets|rules|faults|variants',
    text: 'list what there is',
    options: [],
    examples: ['crosstalk list rules', 'crosstalk list faults --json'],
    load: async () => (await import('./list-command.ts')).listCommand,
  },
  {
    name: 'init',
    takes: 'scenario NAME',
    text: 'write a scenario that works as it is, to be changed into one of yours',
    options: [],
    examples: ['crosstalk init scenario two-tabs'],
    load: async () => (await import('./init-command.ts')).initCommand,
  },
  {
    name: 'explain',
    takes: '<rule or fault>',
    text: 'explain a rule or a fault: what it means, why it matters, an example, how to fix it',
    options: [],
    examples: ['crosstalk explain foreign-marker', 'crosstalk explain broadcast'],
    load: async () => (await import('./explain-command.ts')).explainCommand,
  },
];

const COMMON = [
  ['--json', 'print one JSON document on standard output'],
  ['--quiet', 'no progress, and no more than the outcome'],
] as const;

const EXIT_CODES =
  'Exit codes: 0 pass, 1 fail, 2 inconclusive, 64 usage error, 70 defect, 130 interrupted.';

const COMMAND_NAMES: readonly string[] = COMMANDS.map(({ name }) => name);

/** The command line interface. `finish` receives the exit code of the command that ran. */
export function buildProgram(output: Output, finish: (code: number) => void): Command {
  const program = new Command('crosstalk')
    .description('Proves that the users of an agent chat never see each other.')
    .version(crosstalkVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
    .addHelpText('after', `\n${EXIT_CODES}`)
    .exitOverride()
    .allowUnknownOption()
    .allowExcessArguments()
    // What every command takes may stand in front of its name as well.
    .enablePositionalOptions()
    .action(() => refuseCommand(program));
  for (const [flags, text] of COMMON) program.addOption(toOption(flags, text));
  for (const spec of COMMANDS) program.addCommand(buildCommand(spec, { output, finish }));
  return program;
}

function buildCommand(
  spec: CommandSpec,
  { output, finish }: { readonly output: Output; readonly finish: (code: number) => void },
): Command {
  const command = new Command(spec.name)
    .description(spec.text)
    .usage(`${spec.takes} [options]`.trim())
    .helpOption('-h, --help', 'print help')
    // Values are declared optional so that a missing one is one mistake among others, not the end.
    .configureHelp({ optionTerm: ({ flags }) => flags.replace(/\[(.*)\]$/, '$1') })
    .addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  npx ${line}`).join('\n')}`)
    .addHelpText('after', `\n${EXIT_CODES}`)
    .exitOverride()
    .allowUnknownOption()
    .allowExcessArguments();
  for (const [flags, text] of [...spec.options, ...COMMON])
    command.addOption(toOption(flags, text));
  command.action(async () => {
    const mistakes = new Mistakes();
    const args = separateArguments(command, mistakes);
    const handle = await spec.load();
    finish(await handle({ options: command.opts(), args, mistakes, output }));
  });
  return command;
}

function toOption(flags: string, text: string): Option {
  const repeatable = flags.startsWith('* ');
  const [name = '', value] = flags.replace('* ', '').split(' ');
  const made = new Option(value === undefined ? name : `${name} [${value}]`, text);
  if (!repeatable) return made;
  return made.argParser((word: string, before: unknown) => [
    ...(Array.isArray(before) ? (before as unknown[]) : []),
    word,
  ]);
}

/**
 * Tells arguments from unknown options, which commander leaves among them. The word after an unknown
 * option is taken for its value if the option that it resembles has one, and for an argument otherwise.
 */
function separateArguments(command: Command, mistakes: Mistakes): string[] {
  const args: string[] = [];
  let valueExpected = false;
  for (const word of command.args) {
    const isOption = word.length > 1 && word.startsWith('-');
    if (isOption) {
      refuseOption(command, word, mistakes);
      const name = nameOf(word);
      const [near = name] = nearestNames(name, longNames(command));
      valueExpected = name === word && takesValue(command, near);
    } else {
      if (!valueExpected) args.push(word);
      valueExpected = false;
    }
  }
  return args;
}

function longNames(command: Command): string[] {
  return command.options.map(({ long }) => long ?? '');
}

/** `--seed` of `--seed=41`. */
function nameOf(word: string): string {
  return word.replace(/=.*$/, '');
}

function takesValue(command: Command, name: string): boolean {
  return command.options.find(({ long }) => long === name)?.optional === true;
}

function refuseOption(command: Command, word: string, mistakes: Mistakes): void {
  const known = longNames(command);
  const name = nameOf(word);
  if (!known.includes(name))
    mistakes.add(
      'UNKNOWN_OPTION',
      `"${name}" is no option of "crosstalk ${command.name()}". ${didYouMean(name, known)}Run "crosstalk ${command.name()} --help".`,
    );
  else if (word !== name && !takesValue(command, name))
    mistakes.add('UNEXPECTED_ARGUMENT', noValue(name));
  // Commander leaves an option that it knows among the arguments only there.
  else
    mistakes.add(
      'UNEXPECTED_ARGUMENT',
      `"${name}" stands after "--", where nothing is an option any more. Put it in front of "--", or leave "--" out.`,
    );
}

function refuseCommand(program: Command): never {
  const mistakes = new Mistakes();
  const words = program.args;
  const [word] = words.filter((candidate) => !candidate.startsWith('-'));
  const late = COMMANDS.find(({ name }) => words.includes(name));
  if (words[0]?.startsWith('-') === true && late !== undefined)
    refuseEarlyOptions(words.slice(0, words.indexOf(late.name)), late, mistakes);
  else {
    refuseWord(word, mistakes);
    for (const option of words.filter((candidate) => candidate.startsWith('--')))
      if (!isCommon(option))
        mistakes.add('UNKNOWN_OPTION', `"${option}" is no option of "crosstalk".`);
  }
  mistakes.throwIfAny();
  throw new Error('unreachable: a refused command has a mistake');
}

function refuseWord(word: string | undefined, mistakes: Mistakes): void {
  if (word === undefined)
    mistakes.add(
      'NO_COMMAND',
      `a command is needed: ${COMMAND_NAMES.join(', ')}. Run "crosstalk --help".`,
    );
  else {
    const near = nearestNames(word, COMMAND_NAMES);
    mistakes.add(
      'UNKNOWN_COMMAND',
      `"${word}" is no command. ${near.length === 0 ? '' : `Did you mean "${near.join('" or "')}"? `}There is ${COMMAND_NAMES.join(', ')}.`,
    );
  }
}

/** What stands in front of a command that is there is what is wrong, not the command. */
function refuseEarlyOptions(
  words: readonly string[],
  { name, options }: CommandSpec,
  mistakes: Mistakes,
): void {
  const own = options.map(([flags]) => flags.replace('* ', '').split(' ')[0]);
  for (const word of words) {
    const option = nameOf(word);
    if (own.includes(option))
      mistakes.add(
        'UNKNOWN_OPTION',
        `"${option}" must stand after the command: crosstalk ${name} ${option}.`,
      );
    else if (isCommon(option)) {
      if (word !== option) mistakes.add('UNEXPECTED_ARGUMENT', noValue(option));
    } else if (word.startsWith('-'))
      mistakes.add('UNKNOWN_OPTION', `"${option}" is no option of "crosstalk".`);
  }
}

function isCommon(option: string): boolean {
  return COMMON.some(([name]) => name === option);
}

function noValue(option: string): string {
  return `"${option}" takes no value, got one. Write it without what follows the "=".`;
}
