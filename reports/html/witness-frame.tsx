import type { VNode } from 'preact';
import type { Finding } from '../../history/verdict.ts';
import { showUntrusted } from '../untrusted.ts';
import { Code, Count, Milliseconds, Untrusted } from './figures.tsx';
import type { RecordedFrame } from './trial-record.ts';
import type { TrialView } from './trial-view.ts';

/** Excerpts are short; whatever else a file may hold is cut. */
const EXCERPT_CHARACTERS_MAX = 2_000;

/**
 * A line of the history that proves a finding: the excerpt highlighted within what was recorded around
 * it, and in the excerpt whatever names the owner.
 */
export function WitnessFrame({
  view,
  finding,
  witness,
}: {
  readonly view: TrialView;
  readonly finding: Finding;
  readonly witness: Finding['witness'][number];
}): VNode {
  const { line, excerpt } = witness;
  const frame = view.record?.frames.get(witness);
  const names = view.record?.names.get(finding.owner ?? '') ?? new Set();
  return (
    <figure class="witness">
      <figcaption>
        Line <Count of={line} /> of <Code text={historyName(view)} />
        {frame === undefined ? null : <Origin frame={frame} />}
      </figcaption>
      <pre>
        <Quotation parts={frame ?? { before: '', excerpt, after: '' }} names={names} />
      </pre>
    </figure>
  );
}

function Origin({ frame: { conn, user, what, t } }: { readonly frame: RecordedFrame }): VNode {
  return (
    <>
      : <Untrusted text={conn ?? user ?? ''} />, <Untrusted text={what} />, at{' '}
      <Milliseconds of={t} />
    </>
  );
}

function Quotation({
  parts: { before, excerpt, after },
  names,
}: {
  readonly parts: Pick<RecordedFrame, 'before' | 'excerpt' | 'after'>;
  readonly names: ReadonlySet<string>;
}): VNode {
  return (
    <bdi>
      {showUntrusted(before)}
      <mark>
        {pieces(excerpt.slice(0, EXCERPT_CHARACTERS_MAX), names).map((piece, index) =>
          piece.names ? (
            <strong key={index}>{showUntrusted(piece.text)}</strong>
          ) : (
            showUntrusted(piece.text)
          ),
        )}
      </mark>
      {showUntrusted(after)}
    </bdi>
  );
}

function historyName({ judged: { dir, history } }: TrialView): string {
  const beside = `${dir}/history.ndjson`;
  return history.endsWith(beside) ? beside : history;
}

interface Piece {
  readonly text: string;
  /** Whether it names the owner. */
  readonly names: boolean;
}

/** Cuts a text before and after each word that holds one of the names. */
function pieces(text: string, names: ReadonlySet<string>): Piece[] {
  if (names.size === 0) return [{ text, names: false }];
  const longestFirst = [...names].toSorted((a, b) => b.length - a.length).map(literal);
  // A marker's beginning is known, and all of the marker is highlighted.
  const pattern = new RegExp(`((?:${longestFirst.join('|')})\\w*)`, 'gi');
  return text
    .split(pattern)
    .map((part, index) => ({ text: part, names: index % 2 === 1 }))
    .filter((piece) => piece.text !== '');
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
