import type { VNode } from 'preact';
import type { Summary } from '../../history/verdict.ts';
import { worstFindings, type JudgedTrial } from '../judged-trial.ts';
import type { Campaign } from '../report-campaign.ts';
import { renderSelfContainedPage } from '../self-contained-page.tsx';
import { showUntrustedUpTo } from '../untrusted.ts';
import { Code, OutcomeSign, Untrusted } from './figures.tsx';
import { bannerOf } from './rule-families.ts';
import { PictureBudget } from './pictures.ts';
import { arrowFindings, LANES_MAX } from './timeline.tsx';
import { readTrialRecord } from './trial-record.ts';
import { partsOf, TrialSection } from './trial-section.tsx';
import { usersThatMatter, type TrialView } from './trial-view.ts';
import { TrialsTable, VerdictBanner } from './verdict-banner.tsx';
import { Fact } from './structure.tsx';

/** Findings shown in full: of the whole page, and of one trial. */
const CARDS_MAX = 48;
const CARDS_PER_TRIAL_MAX = 12;
/** Trials shown unfolded beside those that decide. */
const UNFOLDED_MAX = 2;
const NAME_CHARACTERS_MAX = 120;

/**
 * `report.html`: a campaign as one self-contained page, from its summary, its verdicts and what its
 * histories recorded. Judges nothing: every number on it stands in the JSON files. Without a script;
 * texts of a target are escaped by the renderer and made visible where they would hide or act.
 */
export function renderReportHtml({ summary, trials }: Campaign): string {
  const pictures = new PictureBudget();
  let cardsLeft = CARDS_MAX;
  const views = trials.map((judged, index) => {
    const cards = worstFindings(judged.verdict, Math.min(cardsLeft, CARDS_PER_TRIAL_MAX));
    cardsLeft -= cards.length;
    return viewOf(judged, { id: `t${index}`, cards, pictures });
  });
  const verdicts = trials.map(({ verdict }) => verdict);
  return renderSelfContainedPage({
    title: `${bannerOf(summary, verdicts).word} · Crosstalk`,
    style: new URL('report.css', import.meta.url),
    body: <Body summary={summary} views={views} />,
  });
}

function viewOf(
  judged: JudgedTrial,
  { id, cards, pictures }: { id: string; cards: TrialView['cards']; pictures: PictureBudget },
): TrialView {
  const { verdict } = judged;
  const { scenario, transport } = verdict.trial;
  return {
    id,
    name: showUntrustedUpTo(`${scenario} on ${transport}`, NAME_CHARACTERS_MAX),
    judged,
    verdict,
    record: readTrialRecord(judged.history, verdict, {
      lanes: new Set(usersThatMatter(verdict, LANES_MAX)),
      findings: [...cards, ...arrowFindings(verdict)],
    }),
    cards,
    pictures: pictures.picturesOf(judged, cards),
  };
}

function Body({
  summary,
  views,
}: {
  readonly summary: Summary;
  readonly views: readonly TrialView[];
}): VNode {
  const unfolded = unfoldedIds(summary, views);
  return (
    <>
      <a class="skip" href="#report">
        Skip to the report
      </a>
      <VerdictBanner summary={summary} views={views} />
      <div class="columns">
        <Contents views={views} />
        <main id="report">
          <TrialsTable summary={summary} views={views} />
          {views.map((view) => (
            <TrialSection key={view.id} view={view} open={unfolded.has(view.id)} />
          ))}
          <Environment summary={summary} />
        </main>
      </div>
    </>
  );
}

/** The trials that decide the outcome, and all of a campaign of few. */
function unfoldedIds(summary: Summary, views: readonly TrialView[]): ReadonlySet<string> {
  const deciding =
    summary.verdict === 'pass'
      ? []
      : views.filter(({ verdict }) => verdict.verdict === summary.verdict);
  const few = views.length <= UNFOLDED_MAX ? views : [];
  return new Set([...deciding.slice(0, UNFOLDED_MAX), ...few].map(({ id }) => id));
}

function Contents({ views }: { readonly views: readonly TrialView[] }): VNode {
  return (
    <nav aria-label="Contents">
      <ul>
        <li>
          <a href="#rests">What it rests on</a>
        </li>
        {views.map((view) => (
          <li key={view.id}>
            <a href={`#${view.id}`}>
              <OutcomeSign outcome={view.verdict.verdict} />
              {view.name}
            </a>
            {views.length > UNFOLDED_MAX ? null : (
              <ul>
                {partsOf(view).map(({ id, title }) => (
                  <li key={id}>
                    <a href={`#${id}`}>{title}</a>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
        <li>
          <a href="#environment">Environment</a>
        </li>
      </ul>
    </nav>
  );
}

function Environment({ summary }: { readonly summary: Summary }): VNode {
  const { environment, versions, commit, seed, command } = summary;
  const rows = [
    ...Object.entries(environment).map(([name, value]) => [name, String(value)] as const),
    ...Object.entries(versions).map(([name, version]) => [`${name} version`, version] as const),
  ];
  return (
    <section aria-labelledby="environment">
      <h2 id="environment">Environment</h2>
      <dl class="facts">
        <Fact name="Command" whole>
          <Code text={command} />
        </Fact>
        <Fact name="Seed">{seed === '' ? 'unknown' : <Code text={seed} />}</Fact>
        {commit === null ? null : (
          <Fact name="Commit">
            <Code text={commit} />
          </Fact>
        )}
        {rows.map(([name, text]) => (
          <Fact key={name} name={name}>
            <Untrusted text={text} />
          </Fact>
        ))}
      </dl>
    </section>
  );
}
