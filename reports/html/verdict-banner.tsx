import type { VNode } from 'preact';
import type { Summary } from '../../history/verdict.ts';
import { decidingFindings, worstFindings } from '../judged-trial.ts';
import {
  Count,
  Counted,
  Duration,
  OutcomeMark,
  OutcomeSign,
  Share,
  Untrusted,
  Wide,
} from './figures.tsx';
import { familyOutcomes, bannerOf } from './rule-families.ts';
import { findingId, type TrialView } from './trial-view.ts';
import { TableHead } from './structure.tsx';

/** Reasons told on the first screen. */
const REASONS_MAX = 4;
const PER_TRIAL_MAX = 2;
const REASON_CHARACTERS_MAX = 240;

interface CampaignShown {
  readonly summary: Summary;
  readonly views: readonly TrialView[];
}

/** The first screen: the outcome, what follows from it, why, and what it rests on. */
export function VerdictBanner({ summary, views }: CampaignShown): VNode {
  const verdicts = views.map(({ verdict }) => verdict);
  const { word, sentence, advice, caveat } = bannerOf(summary, verdicts);
  return (
    <header class={`banner ${summary.verdict}`}>
      <p class="tool">
        Crosstalk <Tested views={views} />
      </p>
      <h1>
        <OutcomeSign outcome={summary.verdict} />
        <span>{word}</span>
      </h1>
      <p class="advice">{advice}</p>
      <p class="sentence">{sentence}</p>
      {caveat === null ? null : <p>{caveat}</p>}
      <Why summary={summary} views={views} />
      <ul class="guarantees" aria-label="Guarantees">
        {familyOutcomes(summary, verdicts).map((guarantee) => (
          <li key={guarantee.name}>
            <span>{guarantee.name}</span>
            <OutcomeMark outcome={guarantee.outcome} word={guarantee.word} />
          </li>
        ))}
      </ul>
    </header>
  );
}

/** What was under test, and since when; all trials of a campaign have one target. */
function Tested({ views }: { readonly views: readonly TrialView[] }): VNode {
  const trials = views.map(({ verdict }) => verdict.trial);
  const [trial] = trials.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt));
  if (trial === undefined) return <></>;
  return (
    <span>
      · target <Untrusted text={trial.target} /> at <Untrusted text={trial.url} /> ·{' '}
      <Untrusted text={trial.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')} />
    </span>
  );
}

function Why({ summary, views }: CampaignShown): VNode {
  if (summary.verdict === 'pass') return <></>;
  // Whoever could not reach the target has seen nothing either: that is no second reason.
  const perTrialMax = summary.cause === 'unavailable' ? 1 : PER_TRIAL_MAX;
  const told = views
    .filter(({ verdict }) => verdict.verdict === summary.verdict)
    .flatMap((view) =>
      worstFindings(view.verdict, perTrialMax).map((finding) => ({ view, finding })),
    )
    .slice(0, REASONS_MAX);
  const own = ownReasons(summary, views).slice(0, REASONS_MAX - Math.min(told.length, 2));
  const total = views.reduce(
    (sum, { verdict }) => sum + decidingFindings(verdict).length + verdict.findingsOmitted,
    0,
  );
  return (
    <ul class="why">
      {own.map((reason) => (
        <li key={reason}>
          <Untrusted text={reason} charactersMax={REASON_CHARACTERS_MAX} />
        </li>
      ))}
      {told.map(({ view, finding }) => (
        <li key={findingId(view, finding)}>
          <a href={`#${view.cards.includes(finding) ? findingId(view, finding) : view.id}`}>
            <Untrusted text={finding.message} charactersMax={REASON_CHARACTERS_MAX} />
          </a>{' '}
          <span class="quiet">{view.name}</span>
        </li>
      ))}
      {total > told.length && summary.verdict === 'fail' ? (
        <li class="quiet">
          <Counted of={total} noun="finding" /> in all
        </li>
      ) : null}
    </ul>
  );
}

/** Reasons that no finding of a trial tells already. */
function ownReasons(summary: Summary, views: readonly TrialView[]): readonly string[] {
  const told = new Set(
    views.flatMap(({ name, verdict }) =>
      verdict.findings
        .map(({ rule, message }) => `${rule}: ${message}`)
        .flatMap((reason) => [reason, `${name}: ${reason}`]),
    ),
  );
  return summary.reasons.filter((reason) => !told.has(reason));
}

/** Every trial in a line: the numbers on which the outcome rests. */
export function TrialsTable({ summary, views }: CampaignShown): VNode {
  return (
    <section aria-labelledby="rests">
      <h2 id="rests">What it rests on</h2>
      {views.length === 0 ? <p>No trial was judged.</p> : null}
      {views.length === 0 ? null : (
        <Wide label="Trials">
          <table>
            <TableHead
              columns={[
                'Trial',
                'Outcome',
                { number: 'Violations' },
                { number: 'Users' },
                { number: 'Pairs at once' },
                { number: 'Planted leaks caught' },
                { number: 'Leak rate at most' },
                { number: 'Duration' },
              ]}
            />
            <tbody>
              {views.map((view, index) => (
                <TrialRow
                  key={view.id}
                  view={view}
                  violations={summary.trials[index]?.findings ?? 0}
                />
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      <p class="quiet">
        Pairs at once: pairs of users whose runs overlapped, for only they could have leaked.
        Planted leaks: put into the recorded history to see that the judge finds them. Leak rate:
        upper bound with 95 % confidence; nothing is claimed of a trial that did not pass.
      </p>
      {summary.notApplicable.length === 0 ? null : (
        <ul>
          {summary.notApplicable.map(({ scenario, transport, reason }) => (
            <li key={`${scenario} ${transport}`}>
              <Untrusted text={`${scenario} on ${transport}`} /> was not run:{' '}
              <Untrusted text={reason} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function TrialRow({
  view: { id, name, verdict },
  violations,
}: {
  readonly view: TrialView;
  readonly violations: number;
}): VNode {
  const { evidence, trial } = verdict;
  return (
    <tr>
      <th scope="row">
        <a href={`#${id}`}>{name}</a>
      </th>
      <td>
        <OutcomeMark outcome={verdict.verdict} />
        {verdict.cause === null ? null : <span class="quiet"> {verdict.cause}</span>}
      </td>
      <td class="number">
        <Count of={violations} />
      </td>
      <td class="number">
        <Count of={trial.users} />
      </td>
      <td class="number">
        <Count of={evidence.pairsOverlapping} /> of <Count of={evidence.pairs} />
      </td>
      <td class="number">
        {evidence.calibration === null ? (
          <span class="quiet">none planted</span>
        ) : (
          <>
            <Count of={evidence.calibration.caught} /> of{' '}
            <Count of={evidence.calibration.planted} />
          </>
        )}
      </td>
      <td class="number">
        {verdict.verdict !== 'pass' || evidence.leakRateUpperBound95 === null ? (
          <span class="quiet">no claim</span>
        ) : (
          <Share of={evidence.leakRateUpperBound95} />
        )}
      </td>
      <td class="number">
        <Duration of={trial.durationMs} />
      </td>
    </tr>
  );
}
