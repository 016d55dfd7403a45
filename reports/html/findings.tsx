import type { VNode } from 'preact';
import { RULES } from '../../history/rules.ts';
import type { Finding, Mechanism, Severity } from '../../history/verdict.ts';
import { showUntrustedUpTo } from '../untrusted.ts';
import { Code, Count, Counted, Milliseconds, Untrusted } from './figures.tsx';
import { findingId, type TrialView } from './trial-view.ts';
import { WitnessFrame } from './witness-frame.tsx';
import { Fact } from './structure.tsx';

/** Findings of one rule told in a line each, beside those with a card. */
const LINES_PER_RULE_MAX = 40;
const MESSAGE_CHARACTERS_MAX = 600;
const LINE_CHARACTERS_MAX = 200;

const MECHANISMS: Readonly<Record<Mechanism, string>> = {
  broadcast: 'broadcast: sent to many at once',
  misroute: 'misroute: sent to one wrong receiver',
  swap: 'swap: two users got each other’s',
  shift: 'shift: each got another one’s, in a ring',
  replay: 'replay: something earlier came again',
  residue: 'residue: left behind by a former user',
  access: 'access: handed out to one who asked for it',
  'shared-state': 'shared state: what belongs to several was mixed',
};

const SEVERITIES: Readonly<Record<Severity, string>> = {
  violation: 'violation',
  inconclusive: 'keeps the verdict open',
  note: 'note, never changes a verdict',
};

interface RuleFindings {
  readonly rule: string;
  readonly severity: Severity;
  readonly findings: readonly Finding[];
}

/** Every rule that objected, with its explanation, its worst findings in full and the rest as lines. */
export function Findings({ view }: { readonly view: TrialView }): VNode {
  const { verdict } = view;
  const groups = groupsOf(verdict.findings);
  if (groups.length === 0) return <p>No rule objected to anything.</p>;
  const shown = new Set([...view.cards, ...groups.flatMap((group) => linesOf(view, group))]);
  const leftOut = verdict.findings.length - shown.size + verdict.findingsOmitted;
  return (
    <>
      {verdict.verdict !== 'fail' ? null : (
        <p class="lead">
          Each finding names a line of the history. Look at it before you accuse anybody.
        </p>
      )}
      {groups.map((group) => (
        <RuleGroup key={`${group.rule} ${group.severity}`} view={view} group={group} />
      ))}
      {leftOut > 0 ? (
        <p class="quiet">
          <Counted of={leftOut} noun="more finding" /> not shown here; <code>verdict.json</code>{' '}
          lists up to a thousand.
        </p>
      ) : null}
    </>
  );
}

function groupsOf(findings: readonly Finding[]): RuleFindings[] {
  const groups = new Map<string, RuleFindings & { readonly findings: Finding[] }>();
  for (const finding of findings) {
    const { rule, severity } = finding;
    const key = `${rule} ${severity}`;
    const group = groups.get(key) ?? { rule, severity, findings: [] };
    group.findings.push(finding);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Those of a rule that are told in a line. */
function linesOf(view: TrialView, { findings }: RuleFindings): readonly Finding[] {
  return findings.filter((finding) => !view.cards.includes(finding)).slice(0, LINES_PER_RULE_MAX);
}

function RuleGroup({
  view,
  group,
}: {
  readonly view: TrialView;
  readonly group: RuleFindings;
}): VNode {
  const { rule, severity, findings } = group;
  const cards = findings.filter((finding) => view.cards.includes(finding));
  const lines = linesOf(view, group);
  return (
    <section class={`rule ${severity}`}>
      <h4>
        <Untrusted text={rule} />{' '}
        <span class="quiet">
          <Counted of={findings.length} noun="finding" />, {SEVERITIES[severity]}
        </span>
      </h4>
      <Explanation rule={rule} />
      {cards.map((finding) => (
        <FindingCard key={findingId(view, finding)} view={view} finding={finding} />
      ))}
      {lines.length === 0 ? null : (
        <details>
          <summary>
            <Counted of={lines.length} noun="more finding" /> of this rule
          </summary>
          <ul class="lines">
            {lines.map((finding) => (
              <FindingLine key={findingId(view, finding)} finding={finding} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

/** From the registry of rules, which `crosstalk explain` reads too. */
function Explanation({ rule }: { readonly rule: string }): VNode {
  const text = RULES.find(({ name }) => name === rule);
  if (text === undefined) return <></>;
  return (
    <dl class="explanation">
      <dt>Violated when</dt>
      <dd>{text.text}</dd>
      <dt>Why it matters</dt>
      <dd>{text.why}</dd>
      <dt>How to fix</dt>
      <dd>{text.fix}</dd>
    </dl>
  );
}

function FindingLine({ finding }: { readonly finding: Finding }): VNode {
  const line = finding.witness[0]?.line;
  return (
    <li>
      <Untrusted text={finding.message} charactersMax={LINE_CHARACTERS_MAX} />
      {line === undefined ? null : (
        <span class="quiet">
          , line <Count of={line} />
        </span>
      )}
    </li>
  );
}

function FindingCard({
  view,
  finding,
}: {
  readonly view: TrialView;
  readonly finding: Finding;
}): VNode {
  const id = findingId(view, finding);
  return (
    <article class="finding" id={id} aria-labelledby={`${id}-message`}>
      <h5 id={`${id}-message`}>
        <Untrusted text={finding.message} charactersMax={MESSAGE_CHARACTERS_MAX} />
      </h5>
      <Facts finding={finding} />
      {finding.witness.map((witness) => (
        <WitnessFrame key={witness.line} view={view} finding={finding} witness={witness} />
      ))}
      <Screenshot view={view} finding={finding} />
    </article>
  );
}

function Facts({ finding }: { readonly finding: Finding }): VNode {
  const { observer, owner, surface, place, event, mechanism } = finding;
  const texts = [
    ['Looked on', observer],
    ['Belonged to', owner],
    ['Surface', surface],
    ['Place', place],
    ['Event', event],
    ['Mechanism', mechanism === null ? null : MECHANISMS[mechanism]],
  ] as const;
  return (
    <dl class="facts">
      {texts.map(([name, text]) =>
        text === null ? null : (
          <Fact key={name} name={name}>
            <Untrusted text={text} />
          </Fact>
        ),
      )}
      {finding.witness.length === 0 ? null : (
        <Fact name="First seen">
          <Milliseconds of={finding.t} />
        </Fact>
      )}
      <Fact name="Times">
        <Count of={finding.count} />
      </Fact>
    </dl>
  );
}

function Screenshot({
  view,
  finding,
}: {
  readonly view: TrialView;
  readonly finding: Finding;
}): VNode {
  const { screenshot, observer } = finding;
  if (screenshot === null) return <></>;
  const name = showUntrustedUpTo(observer ?? 'the user', LINE_CHARACTERS_MAX);
  const picture = view.pictures.get(screenshot);
  const path = `${view.judged.dir}/${screenshot}`;
  return (
    <figure class="screenshot">
      {picture?.kind === 'inlined' && picture.card === finding ? (
        <img src={picture.dataUri} alt={`The page of ${name} as it was shown`} />
      ) : null}
      <figcaption>
        The page of {name}: <Code text={path} />
        {picture?.kind === 'inlined' && picture.card !== finding ? (
          <>
            , shown <a href={`#${findingId(view, picture.card)}`}>above</a>
          </>
        ) : null}
      </figcaption>
    </figure>
  );
}
