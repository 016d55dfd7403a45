import type { Finding, Verdict } from '../../history/verdict.ts';
import type { JudgedTrial } from '../../reports/judged-trial.ts';
import { summarise } from '../../reports/summary.ts';

/** A finding to vary: u03 received an event of u07. */
export function findingOf(difference: Partial<Finding> = {}): Finding {
  return {
    rule: 'isolation/misdelivered-event',
    severity: 'violation',
    observer: 'u03',
    owner: 'u07',
    surface: 'socket',
    place: null,
    event: 'tool_completed',
    t: 412.3,
    count: 4,
    mechanism: 'broadcast',
    message: 'u03 received tool_completed of u07 (broadcast)',
    witness: [{ line: 123, excerpt: '{"n":121,"user":"u03"}' }],
    screenshot: null,
    ...difference,
  };
}

/** A passing verdict to vary. */
export function verdictOf(difference: Partial<Verdict> = {}): Verdict {
  return {
    schema: 1,
    verdict: 'pass',
    cause: null,
    reasons: [],
    trial: {
      scenario: 'golden-path',
      transport: 'websocket',
      target: 'reference',
      url: 'http://127.0.0.1:8080',
      seed: '41',
      users: 10,
      startedAt: '2026-01-01T00:00:00.000Z',
      durationMs: 5432,
      reproduce: 'npx crosstalk run golden-path --seed 41',
    },
    rules: [
      { rule: 'isolation/foreign-marker', outcome: 'pass', examined: 500 },
      { rule: 'order/missing-event', outcome: 'pass', examined: 10 },
      { rule: 'delivery/timeout', outcome: 'pass', examined: 10 },
      { rule: 'evidence/no-overlap', outcome: 'pass', examined: 45 },
      { rule: 'gate/connect', outcome: 'not-applicable', examined: 0 },
    ],
    findings: [],
    findingsOmitted: 0,
    users: [],
    matrix: { users: [], cells: [] },
    metrics: {
      connectMs: null,
      firstEventMs: null,
      deliveryMs: null,
      runMs: null,
      apiMs: null,
      harnessDelayMs: { p50: 1, p95: 2, p99: 3, max: 4 },
      messagesPerSecond: 12,
      deliveryRate: 1,
      errorRate: 0,
      routingAccuracy: 1,
    },
    gates: [
      { name: 'connect', limit: 500, actual: 12.34, outcome: 'pass' },
      { name: 'error-rate', limit: 0.001, actual: 0, outcome: 'pass' },
    ],
    access: [],
    evidence: {
      observations: 484,
      bytes: 40_000,
      pairsOverlapping: 45,
      pairs: 45,
      runPairsOverlapping: 45,
      opportunities: 3600,
      leakRateUpperBound95: 3 / 3600,
      leakRateUpperBound95PerRunPair: 3 / 45,
      calibration: { planted: 24, caught: 24, byMutation: {} },
    },
    ...difference,
  };
}

/** A failing verdict with these findings, and the outcomes of their rules. */
export function failureOf(findings: readonly Finding[]): Verdict {
  const rules = [...new Set(findings.map(({ rule }) => rule))];
  return verdictOf({
    verdict: 'fail',
    cause: 'leak',
    reasons: findings.map(({ rule, message }) => `${rule}: ${message}`),
    rules: rules.map((rule) => ({ rule, outcome: 'fail', examined: 1 })),
    findings: [...findings],
  });
}

export function trialOf(verdict: Verdict): JudgedTrial {
  const dir = `trials/${verdict.trial.scenario}-${verdict.trial.transport}`;
  return {
    verdict,
    dir,
    history: `artifacts/one/${dir}/history.ndjson`,
    verdictFile: `artifacts/one/${dir}/verdict.json`,
  };
}

/** The campaign of these trials, as `run` would summarise it. */
export function campaignOf(...verdicts: readonly Verdict[]) {
  const trials = verdicts.map(trialOf);
  const summary = summarise({
    trials,
    shortcomings: [],
    environment: { platform: 'linux' },
    versions: { crosstalk: '0.1.0' },
    commit: null,
    seed: '41',
    command: 'npx crosstalk run golden-path --seed 41',
  });
  return { trials, summary, out: 'artifacts/one' };
}

/** What a target may send to take over a terminal, a log, a page or a report. */
export const HOSTILE = [
  '\u001b[2J\u001b[1;1Hall is well',
  '\u001b]8;;http://evil.example\u0007click\u001b]8;;\u0007',
  'first\r\nPASS  forged line',
  '\u202eevil\u202c \u2066x\u2069',
  'zero\u200bwidth\ufeff \u00ad',
  'bell\u0007 back\u0008 delete\u007f next\u0085',
  '\u{e0041}tag \ud800 lone',
  '<script>alert(1)</script> ``` | [a](javascript:x) *b* &lt; ]]>',
].join(' ');
