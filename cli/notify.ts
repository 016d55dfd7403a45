import type { Outcome, Summary } from '../history/verdict.ts';
import { headlineOf, outcomeWord } from '../reports/headline.ts';
import type { JudgedTrial } from '../reports/judged-trial.ts';
import { showUntrustedUpTo } from '../reports/untrusted.ts';
import type { OptionReader } from './option-reader.ts';
import type { Mistakes } from './usage-error.ts';

const REASONS_MAX = 5;
const TEXT_CHARACTERS_MAX = 300;
/** Nobody waits longer for somebody to be told. */
export const NOTIFY_TIMEOUT_MS = 5000;

/** What is posted after a campaign: enough to decide whether to look, nothing to look at. */
export interface Digest {
  readonly schema: 1;
  readonly kind: 'crosstalk-campaign';
  /** One sentence of our own words, in the field that chat webhooks show. */
  readonly text: string;
  readonly verdict: Outcome;
  readonly cause: Summary['cause'];
  readonly signoff: Summary['signoff'];
  readonly targets: readonly string[];
  readonly trials: Readonly<Record<Outcome, number>>;
  readonly violations: number;
  readonly reasons: readonly string[];
  readonly seed: string;
  readonly commit: string | null;
  /** Of the first trial; null without one. */
  readonly startedAt: string | null;
}

/** The digest of a campaign. Texts of a target are harmless lines in it. */
export function digestOf(summary: Summary, trials: readonly JudgedTrial[]): Digest {
  const shown = (text: string): string => showUntrustedUpTo(text, TEXT_CHARACTERS_MAX);
  const count = (outcome: Outcome): number =>
    summary.trials.filter(({ verdict }) => verdict === outcome).length;
  const about = trials.map(({ verdict }) => verdict.trial);
  return {
    schema: 1,
    kind: 'crosstalk-campaign',
    text: `Crosstalk: ${outcomeWord(summary)}. ${headlineOf(summary)}`,
    verdict: summary.verdict,
    cause: summary.cause,
    signoff: summary.signoff,
    targets: [...new Set(about.map(({ target }) => shown(target)))],
    trials: { pass: count('pass'), inconclusive: count('inconclusive'), fail: count('fail') },
    violations: summary.trials.reduce((sum, { findings }) => sum + findings, 0),
    reasons: summary.reasons.slice(0, REASONS_MAX).map(shown),
    seed: summary.seed,
    commit: summary.commit,
    startedAt: about.map(({ startedAt }) => startedAt).toSorted()[0] ?? null,
  };
}

/**
 * Posts a digest. Redirects are not followed: only this address is contacted. Never throws.
 * @returns why it was not accepted, in words that hold nothing of the address but its host; undefined
 * when it was.
 */
export async function postDigest(
  url: string,
  digest: Digest,
  timeoutMs: number = NOTIFY_TIMEOUT_MS,
): Promise<string | undefined> {
  // Loaded by the few who notify anybody, and before their time runs.
  // Of a library of the older kind a compiled program has no more than the whole.
  const { EnvHttpProxyAgent, request } = (await import('undici')).default;
  // The whole exchange has one limit; a server that answers drop by drop does not get round it.
  const signal = AbortSignal.timeout(timeoutMs);
  const dispatcher = new EnvHttpProxyAgent();
  const host = new URL(url).host;
  try {
    const { statusCode } = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(digest),
      dispatcher,
      signal,
    });
    return statusCode >= 200 && statusCode < 300 ? undefined : `${host} answered ${statusCode}`;
  } catch (error) {
    if (signal.aborted) return `${host} did not answer within ${timeoutMs} ms`;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no connection';
    return `${host} could not be reached: ${code}`;
  } finally {
    // Whatever is left of the answer is of no interest.
    await dispatcher.destroy();
  }
}

/** `--notify`. An address of this kind is a secret (whoever has it can post), so no message quotes it. */
export function readNotify(read: OptionReader, mistakes: Mistakes): string | undefined {
  const text = read.text('notify');
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.href;
  mistakes.add(
    'BAD_VALUE',
    '"--notify" must be an http or https URL, got something else. Pass for example https://hooks.example.com/nightly.',
  );
  return undefined;
}
