import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { Summary } from '../../history/verdict.ts';
import { worstFindings, type JudgedTrial } from '../judged-trial.ts';
import type { Campaign } from '../report-campaign.ts';
import { showUntrustedUpTo } from '../untrusted.ts';
import { Code, OutcomeSign, Untrusted } from './figures.tsx';
import { headlineOf } from './guarantees.ts';
import { PictureBudget } from './pictures.ts';
import { arrowFindings, LANES_MAX } from './timeline.tsx';
import { readTrialRecord } from './trial-record.ts';
import { partsOf, TrialSection } from './trial-section.tsx';
import { usersThatMatter, type TrialView } from './trial-view.ts';
import { TrialsTable, VerdictBanner } from './verdict-banner.tsx';

/** Findings shown in full: of the whole page, and of one trial. */
const CARDS_MAX = 48;
const CARDS_PER_TRIAL_MAX = 12;
/** Trials shown unfolded beside those that decide. */
const UNFOLDED_MAX = 2;
const NAME_CHARACTERS_MAX = 120;

const STYLE = readFileSync(new URL('report.css', import.meta.url), 'utf8');
/** Nothing may be loaded, sent or run; the one style sheet is known by its hash. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

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
  return `<!doctype html>\n${renderToString(<Page summary={summary} views={views} />)}\n`;
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

interface PageProps {
  readonly summary: Summary;
  readonly views: readonly TrialView[];
}

function Page({ summary, views }: PageProps): VNode {
  const verdicts = views.map(({ verdict }) => verdict);
  const unfolded = unfoldedIds(summary, views);
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={POLICY} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <link rel="icon" href="data:," />
        <title>{`${headlineOf(summary, verdicts).word} · Crosstalk`}</title>
        {/* The style sheet is ours; as a child it would be escaped, and its selectors with it. */}
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
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
      </body>
    </html>
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
        <div class="whole">
          <dt>Command</dt>
          <dd>
            <Code text={command} />
          </dd>
        </div>
        <div>
          <dt>Seed</dt>
          <dd>
            <Code text={seed} />
          </dd>
        </div>
        {commit === null ? null : (
          <div>
            <dt>Commit</dt>
            <dd>
              <Code text={commit} />
            </dd>
          </div>
        )}
        {rows.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Untrusted text={text} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
