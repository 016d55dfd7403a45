import type { VNode } from 'preact';
import { gateNumber, grouped, shareText } from '../numbers.ts';
import { TableHead } from '../html/structure.tsx';
import { renderSelfContainedPage } from '../self-contained-page.tsx';
import { showUntrustedUpTo } from '../untrusted.ts';
import { LineChart } from './line-chart.tsx';
import type { Build, RecurringFinding } from './recurring-findings.ts';
import { TREND_GATES, type Night, type NightTrial, type Trend } from './trend.ts';

const TEXT_CHARACTERS_MAX = 300;
const FINDINGS_SHOWN_MAX = 100;

/**
 * `trend.html`: campaigns over time as one self-contained page without a script. Every number on it
 * stands in `trend.json`; texts of a target are escaped and shown, never obeyed.
 */
export function renderTrendHtml(trend: Trend): string {
  const { nights, findings } = trend;
  const title = `Crosstalk: ${nights.at(0)?.date ?? ''} to ${nights.at(-1)?.date ?? ''}`;
  return renderSelfContainedPage({
    title,
    style: new URL('trend.css', import.meta.url),
    body: (
      <main>
        <h1>{title}</h1>
        <Latest nights={nights} findings={findings} />
        <Outcomes nights={nights} />
        <Findings findings={findings} />
        <Lines nights={nights} />
        <Nights nights={nights} />
      </main>
    ),
  });
}

function Latest({ nights, findings }: Pick<Trend, 'nights' | 'findings'>): VNode {
  const last = nights.findLast(({ campaigns }) => campaigns.length > 0);
  const holes = nights.filter(({ outcome }) => outcome === 'none' || outcome === 'unreadable');
  const open = findings.filter((finding) => finding.open).length;
  const silent = nights.at(-1)?.date !== last?.date;
  return (
    <section aria-label="Latest night">
      <p class={`banner ${last?.outcome ?? 'none'}`}>
        <strong>{last === undefined ? 'Nothing ran' : nightWord(last)}</strong>
        {last === undefined ? '' : ` on ${last.date}`}
        {silent ? '. Nothing ran since' : ''}
        {`. ${grouped(open)} open findings, ${grouped(holes.length)} of ${grouped(nights.length)} nights did not run.`}
      </p>
      {last === undefined ? null : <Changes night={last} />}
    </section>
  );
}

function Changes({ night }: { readonly night: Night }): VNode {
  if (night.changes.length === 0) return <p>Nothing changed since the night before.</p>;
  return (
    <>
      <h2>What changed since the night before</h2>
      <ul>
        {night.changes.map((change) => (
          <li>{shown(change)}</li>
        ))}
      </ul>
    </>
  );
}

const SIGNS = { pass: '✓', fail: '✗', inconclusive: '?', none: '·', unreadable: '!' } as const;

function Outcomes({ nights }: { readonly nights: readonly Night[] }): VNode {
  const rows = new Map<string, NightTrial>();
  for (const trial of nights.flatMap(({ trials }) => trials)) rows.set(rowKey(trial), trial);
  return (
    <section aria-labelledby="outcomes">
      <h2 id="outcomes">Outcomes by night</h2>
      <p class="legend">✓ pass, ✗ fail, ? inconclusive, ! ran and left no summary, · did not run</p>
      <div class="wide" tabindex={0} role="region" aria-labelledby="outcomes">
        <table class="grid">
          <thead>
            <tr>
              <th scope="col">Scenario</th>
              {nights.map(({ date }) => (
                <th scope="col" class="date">
                  <span>{date}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">all of the night</th>
              {nights.map((night) => (
                <Sign outcome={night.outcome} text={`${night.date}: ${nightWord(night)}`} />
              ))}
            </tr>
            {[...rows.values()].map((row) => (
              <tr>
                <th scope="row">{shown(`${row.scenario} on ${row.transport}`)}</th>
                {nights.map((night) => {
                  const trial = night.trials.find((one) => rowKey(one) === rowKey(row));
                  const word = trial === undefined ? 'did not run' : trialWord(trial);
                  return (
                    <Sign outcome={trial?.verdict ?? 'none'} text={`${night.date}: ${word}`} />
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Sign({
  outcome,
  text,
}: {
  readonly outcome: Night['outcome'];
  readonly text: string;
}): VNode {
  return (
    <td class={outcome} title={text}>
      {SIGNS[outcome]}
    </td>
  );
}

function Findings({ findings }: { readonly findings: readonly RecurringFinding[] }): VNode {
  if (findings.length === 0)
    return (
      <section>
        <h2>Findings</h2>
        <p>No violation in any night.</p>
      </section>
    );
  return (
    <section>
      <h2>Findings</h2>
      <p>
        Not seen again is no repair: a rare leak stays away for many nights. Users differ from night
        to night, so findings of one kind in one trial are one line.
      </p>
      <div class="wide" tabindex={0} role="region" aria-label="Findings">
        <table>
          <TableHead
            columns={[
              'Finding',
              'Trial',
              'First night',
              'Last good build',
              'Last night',
              'Nights',
              'Open',
            ]}
          />
          <tbody>
            {findings.slice(0, FINDINGS_SHOWN_MAX).map((finding) => (
              <tr>
                <td>
                  <strong>{shown(finding.rule)}</strong> {shown(finding.message)}
                </td>
                <td>{shown(`${finding.scenario} on ${finding.transport}`)}</td>
                <td>{finding.firstNight}</td>
                <td>{finding.lastGood === null ? 'none known' : buildText(finding.lastGood)}</td>
                <td>{finding.lastNight}</td>
                <td>{grouped(finding.nights)}</td>
                <td class={finding.open ? 'fail' : ''}>
                  {finding.open ? 'open' : 'not seen again'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {findings.length > FINDINGS_SHOWN_MAX ? <p>More stand in trend.json.</p> : null}
    </section>
  );
}

function Lines({ nights }: { readonly nights: readonly Night[] }): VNode {
  const dates = nights.map(({ date }) => date);
  return (
    <section>
      <h2>Service levels, overlap and confidence</h2>
      <p>
        Each point is the worst trial of its night, the dashed line its gate. The upper bound of the
        leak rate counts the opportunities of all nights since the last leak, as if they had met one
        build.
      </p>
      {TREND_GATES.map((name) => (
        <LineChart
          title={`${name}, ms`}
          dates={dates}
          values={nights.map((night) => gateOf(night, name)?.actual ?? null)}
          limits={nights.map((night) => gateOf(night, name)?.limit ?? null)}
          format={(value) => gateNumber(name, value)}
        />
      ))}
      <LineChart
        title="Pairs of users that overlapped"
        dates={dates}
        values={nights.map(({ overlap }) =>
          overlap === null ? null : overlap.pairsOverlapping / overlap.pairs,
        )}
        format={shareText}
      />
      <LineChart
        title="Opportunities"
        dates={dates}
        values={nights.map(({ trials, opportunities }) =>
          trials.length > 0 ? opportunities : null,
        )}
        format={(value) => grouped(Math.round(value))}
      />
      <LineChart
        title="Leak rate at most (95 %)"
        dates={dates}
        values={nights.map(({ leakRateUpperBound95 }) => leakRateUpperBound95)}
        logarithmic
        format={shareText}
      />
    </section>
  );
}

const NIGHT_COLUMNS = [
  'Night',
  'Outcome',
  'Build',
  ...TREND_GATES,
  'Overlap',
  'Opportunities',
  'Since the last leak',
  'Leak rate at most',
  'What changed',
];

function Nights({ nights }: { readonly nights: readonly Night[] }): VNode {
  return (
    <section>
      <h2>Nights, newest first</h2>
      <div class="wide" tabindex={0} role="region" aria-label="Nights">
        <table>
          <TableHead columns={NIGHT_COLUMNS} />
          <tbody>
            {nights.toReversed().map((night) => (
              <NightRow night={night} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function NightRow({ night }: { readonly night: Night }): VNode {
  const { date, overlap, problems } = night;
  if (night.trials.length === 0)
    return (
      <tr class="hole">
        <th scope="row">{date}</th>
        <td class={night.outcome}>{nightWord(night)}</td>
        <td colspan={NIGHT_COLUMNS.length - 2}>{problems.map(shown).join(' ')}</td>
      </tr>
    );
  const bound = night.leakRateUpperBound95;
  return (
    <tr>
      <th scope="row">{date}</th>
      <td class={night.outcome}>{nightWord(night)}</td>
      <td>{buildText(night)}</td>
      {TREND_GATES.map((name) => {
        const gate = gateOf(night, name);
        const over = gate !== undefined && gate.actual > gate.limit;
        return (
          <td class={over ? 'fail' : ''}>
            {gate === undefined ? '–' : gateNumber(name, gate.actual)}
          </td>
        );
      })}
      <td>
        {overlap === null
          ? '–'
          : `${grouped(overlap.pairsOverlapping)} of ${grouped(overlap.pairs)}`}
      </td>
      <td>{grouped(night.opportunities)}</td>
      <td>{grouped(night.opportunitiesSinceLeak)}</td>
      <td>{bound === null ? '–' : shareText(bound)}</td>
      <td>{[...night.changes, ...problems].map(shown).join('; ')}</td>
    </tr>
  );
}

function nightWord({ outcome, cause, signoff }: Night): string {
  if (outcome === 'none') return 'did not run';
  if (outcome === 'unreadable') return 'left no summary';
  const decision = signoff === null ? '' : `${signoff}, `;
  return `${decision}${outcome}${cause === null ? '' : ` (${cause})`}`;
}

function trialWord({ verdict, cause, violations }: NightTrial): string {
  const why = cause === null ? '' : ` (${cause})`;
  return `${verdict}${why}${violations > 0 ? `, ${grouped(violations)} violations` : ''}`;
}

function rowKey({ scenario, transport }: NightTrial): string {
  return JSON.stringify([scenario, transport]);
}

function gateOf(
  night: Night,
  name: (typeof TREND_GATES)[number],
): Night['gates'][number] | undefined {
  return night.gates.find((gate) => gate.name === name);
}

const COMMIT_CHARACTERS = 12;

function buildText({ date, build, commit }: Build): string {
  const what = build ?? commit?.slice(0, COMMIT_CHARACTERS) ?? 'unknown';
  return `${shown(what)} (${date})`;
}

function shown(text: string): string {
  return showUntrustedUpTo(text, TEXT_CHARACTERS_MAX);
}
