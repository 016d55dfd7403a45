import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { summarySchema, verdictSchema, type Summary, type Verdict } from '../../history/verdict.ts';
import type { Campaign } from '../../reports/report-campaign.ts';
import { summarise } from '../../reports/summary.ts';
import { findingOf, trialOf, verdictOf } from './verdicts.ts';

/** What a target may send to act on a page that shows it. Whatever runs sets `window.pwned`. */
export const VECTORS: readonly string[] = [
  '<script>window.pwned=1</script>',
  '<img src=x onerror="window.pwned=2">',
  '<svg onload=window.pwned=3><animate onbegin=window.pwned=4 attributeName=x>',
  '"><style>body{display:none}</style>',
  "' onmouseover=window.pwned=5 autofocus onfocus=window.pwned=6 '",
  '</style></title></textarea></script><script>window.pwned=7</script>',
  '<iframe src="https://evil.example"></iframe><object data="https://evil.example">',
  '<link rel=stylesheet href=https://evil.example/x.css><base href=https://evil.example/>',
  '<meta http-equiv=refresh content="0;url=https://evil.example">',
  '<form action=https://evil.example><button formaction=javascript:window.pwned=8>',
  '<a href="javascript:window.pwned=9">click</a> javascript:window.pwned=10',
  '<math><mtext><table><mglyph><style><!--</style><img title="--><img src=1 onerror=window.pwned=11>">',
  'background:url(https://evil.example/x.png);}*{color:red',
  '<!-- ]]> --> &lt;script&gt;window.pwned=12&lt;/script&gt; &#60;b&#62;',
  '\u202ereversed\u202c \u2066isolated\u2069 \u200bzero\u200bwidth\ufeff',
  '\u0000\u0007\u001b[2J\u001b]8;;https://evil.example\u0007link\u0008\u007f\u0085\u2028next',
  '\ud800 lone \u{e0041}tag',
];

/** A campaign of these verdicts, with no files behind it. */
export function campaignOf(...verdicts: readonly Verdict[]): Campaign {
  const trials = verdicts.map(trialOf);
  const summary = summarise({
    trials,
    shortcomings: [],
    environment: { platform: 'linux', cpus: 2 },
    versions: { crosstalk: '0.1.0' },
    commit: null,
    seed: '41',
    command: 'npx crosstalk run golden-path --seed 41',
  });
  return { trials, summary };
}

/** A campaign as it lies on disk, read without the code under test. */
export function campaignIn(dir: string): { summary: Summary; verdicts: Verdict[] } {
  const read = (path: string): unknown => JSON.parse(readFileSync(join(dir, path), 'utf8'));
  const summary = summarySchema.parse(read('summary.json'));
  const verdicts = summary.trials.map((trial) =>
    verdictSchema.parse(read(join(trial.dir, 'verdict.json'))),
  );
  return { summary, verdicts };
}

/** A verdict of many users, in which the first two see what belongs to each other. */
export function crowdVerdict(users: number, difference: Partial<Verdict> = {}): Verdict {
  const names = Array.from({ length: users }, (_, index) => `u${String(index).padStart(2, '0')}`);
  const finding = findingOf({ observer: names[0] ?? '', owner: names[1] ?? '', t: 2000 });
  const base = verdictOf();
  return {
    ...base,
    verdict: 'fail',
    cause: 'leak',
    reasons: [`${finding.rule}: ${finding.message}`],
    trial: { ...base.trial, users },
    rules: [{ rule: finding.rule, outcome: 'fail', examined: users }],
    findings: [finding],
    users: names.map((user, index) => ({
      user,
      identity: `${user}@crosstalk.example.com`,
      transport: 'websocket',
      events: { agent_started: 1, agent_completed: 1 },
      runs: 1,
      bytes: { http: 2000 + index, socket: 3000 + index },
      latencyMs: { connect: 10 + index, firstEvent: 100 + index, run: 2000 + index },
    })),
    matrix: {
      users: names,
      cells: [
        [0, 1, 4],
        [1, 0, 2],
      ],
    },
    metrics: { ...base.metrics, connectMs: { p50: 20, p95: 60, p99: 80, max: 90 } },
    ...difference,
  };
}

/**
 * A campaign with a vector in every text that its schemas leave free: each text is replaced in turn, and
 * put back where the files would not be valid with it.
 */
export function hostileCampaign(): Campaign {
  const honest = campaignOf(
    crowdVerdict(3, {
      findings: VECTORS.map((vector) =>
        findingOf({
          observer: 'u00',
          owner: 'u01',
          message: `seen: ${vector}`,
          witness: [{ line: 7, excerpt: `…before ${vector} after…` }],
        }),
      ),
      access: [
        {
          user: 'u00',
          owner: 'u01',
          verb: 'read',
          source: 'thread id',
          expected: 'refused',
          got: 'accepted',
        },
      ],
    }),
  );
  const summary = withVectors(honest.summary, (value) => summarySchema.safeParse(value).success);
  const trials = honest.trials.map((trial) => ({
    ...trial,
    verdict: verdictSchema.parse(
      withVectors(trial.verdict, (value) => verdictSchema.safeParse(value).success),
    ),
  }));
  return { summary: summarySchema.parse(summary), trials };
}

function withVectors(value: unknown, isValid: (value: unknown) => boolean): unknown {
  const copy: unknown = structuredClone(value);
  let next = 0;
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, old] of Object.entries<unknown>({ ...node })) {
      if (typeof old !== 'string') {
        visit(old);
        continue;
      }
      Reflect.set(node, key, `${old} ${VECTORS[next % VECTORS.length] ?? ''}`);
      if (isValid(copy)) next += 1;
      else Reflect.set(node, key, old);
    }
  };
  visit(copy);
  return copy;
}
