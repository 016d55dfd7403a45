import type { ComponentChildren, VNode } from 'preact';
import type { GateResult, Outcome } from '../../history/verdict.ts';
import { durationText, gateNumber, grouped, shareText } from '../numbers.ts';
import { showUntrusted, showUntrustedUpTo } from '../untrusted.ts';

const TEXT_CHARACTERS_MAX = 400;

/**
 * A number of the JSON files as a reader wants it: the exact value stands in the element's `value`, so
 * that every number shown can be held against the files it came from.
 */
function Figure({ value, text }: { readonly value: number; readonly text: string }): VNode {
  return <data value={String(value)}>{text}</data>;
}

/** `12,345`. */
export function Count({ of }: { readonly of: number }): VNode {
  return <Figure value={of} text={grouped(of)} />;
}

/** `1 user`, `3 users`. */
export function Counted({ of, noun }: { readonly of: number; readonly noun: string }): VNode {
  return (
    <span>
      <Count of={of} /> {of === 1 ? noun : `${noun}s`}
    </span>
  );
}

/** Milliseconds to a tenth; a dash for what was not measured. */
export function Milliseconds({ of }: { readonly of: number | null }): VNode {
  if (of === null) return <NotMeasured />;
  return <Figure value={of} text={`${grouped(Math.round(of * 10) / 10)} ms`} />;
}

/** `850 ms`, `12.3 s`. */
export function Duration({ of }: { readonly of: number }): VNode {
  return <Figure value={of} text={durationText(of)} />;
}

/** A share from 0 to 1 as `99.9 %`. */
export function Share({ of }: { readonly of: number | null }): VNode {
  return of === null ? <NotMeasured /> : <Figure value={of} text={shareText(of)} />;
}

/** A gate's limit or actual value, in the gate's unit. */
export function GateFigure({
  name,
  of,
}: {
  readonly name: GateResult['name'];
  readonly of: number | null;
}): VNode {
  return of === null ? <NotMeasured /> : <Figure value={of} text={gateNumber(name, of)} />;
}

function NotMeasured(): VNode {
  return <span class="quiet">not measured</span>;
}

/** One line of a text that is not ours, cut when long; what would hide or act is shown as `\u{…}`. */
export function Untrusted({
  text,
  charactersMax = TEXT_CHARACTERS_MAX,
}: {
  readonly text: string;
  readonly charactersMax?: number;
}): VNode {
  // `bdi` keeps a right-to-left text from reordering the sentence around it.
  return <bdi>{showUntrustedUpTo(text, charactersMax)}</bdi>;
}

/** {@link Untrusted} as code: a command, a path, an id. Never cut, for it is to be copied. */
export function Code({ text }: { readonly text: string }): VNode {
  return (
    <code>
      <bdi>{showUntrusted(text)}</bdi>
    </code>
  );
}

/** How a rule, a gate, a trial or a campaign came out. */
export type MarkedOutcome = Outcome | 'not-applicable';

const SIGNS: Readonly<Record<MarkedOutcome, string>> = {
  pass: 'M4 10.5l4 4 8-9',
  fail: 'M5 5l10 10M15 5L5 15',
  inconclusive: 'M7 7.5a3 3 0 1 1 3.6 3c-.5.2-.6.6-.6 1.5M10 15.4v.1',
  'not-applicable': 'M5 10h10',
};

/** The sign of an outcome; never the only bearer of its meaning. */
export function OutcomeSign({ outcome }: { readonly outcome: MarkedOutcome }): VNode {
  return (
    <svg class={`sign ${outcome}`} viewBox="0 0 20 20" aria-hidden="true">
      <path d={SIGNS[outcome]} />
    </svg>
  );
}

/** An outcome as sign and word. */
export function OutcomeMark({
  outcome,
  word,
}: {
  readonly outcome: MarkedOutcome;
  readonly word?: string;
}): VNode {
  return (
    <span class={`outcome ${outcome}`}>
      <OutcomeSign outcome={outcome} />
      {word ?? (outcome === 'not-applicable' ? 'not applicable' : outcome)}
    </span>
  );
}

/** What may be wider than the page: scrolls by itself, by keyboard too. */
export function Wide({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}): VNode {
  return (
    <div class="wide" role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

/** Says that a list goes on elsewhere; nothing when it does not. */
export function LeftOut({ count, noun }: { readonly count: number; readonly noun: string }): VNode {
  if (count <= 0) return <></>;
  return (
    <p class="quiet">
      <Counted of={count} noun={`more ${noun}`} /> not shown here; all stand in{' '}
      <code>verdict.json</code>.
    </p>
  );
}

/** A part of a trial with a heading that the table of contents leads to. */
export function Part({
  id,
  title,
  children,
}: {
  readonly id: string;
  readonly title: string;
  readonly children: ComponentChildren;
}): VNode {
  return (
    <section class="part" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {children}
    </section>
  );
}
