import type { VNode } from 'preact';
import type { Outcome, Verdict } from '../../history/verdict.ts';
import { showUntrustedUpTo } from '../untrusted.ts';
import { Count, Counted, LeftOut, Untrusted, Wide } from './figures.tsx';
import { mapMatrix } from './matrix-map.ts';
import { TableHead } from './structure.tsx';

/** Crowds up to this size are shown as a table of numbers. */
const TABLE_USERS_MAX = 24;
/** Pairs listed beside the map of a larger crowd. */
const PAIRS_MAX = 20;
const OUTSIDE = -1;
/** An empty matrix looks the same whether it was clean or nobody could look. */
const EMPTY: Readonly<Record<Outcome, string>> = {
  pass: 'Nobody received anything of anybody else: every cell is empty.',
  fail: 'Nobody was seen to receive anything of anybody else.',
  inconclusive: 'Nothing foreign was seen, and that proves nothing: the trial is inconclusive.',
};
const NAME_CHARACTERS_MAX = 40;

/** Who received whose, how often: observers × owners, readable whatever the size of the crowd. */
export function IsolationMatrix({
  verdict: { matrix, verdict },
}: {
  readonly verdict: Verdict;
}): VNode {
  const { users, cells } = matrix;
  if (users.length === 0) return <p class="quiet">There was no user.</p>;
  return (
    <>
      <p class="lead">
        {cells.length === 0 ? (
          EMPTY[verdict]
        ) : (
          <>
            Each row is a user who looked on, each column the user to whom what was received
            belongs. <Counted of={cells.length} noun="cell" /> should be empty and{' '}
            {cells.length === 1 ? 'is' : 'are'} not.
          </>
        )}
      </p>
      {users.length <= TABLE_USERS_MAX ? (
        <MatrixTable matrix={matrix} />
      ) : (
        <>
          <MatrixPicture matrix={matrix} />
          <WorstPairs matrix={matrix} />
        </>
      )}
    </>
  );
}

function MatrixTable({ matrix: { users, cells } }: { readonly matrix: Verdict['matrix'] }): VNode {
  const counts = new Map(cells.map(([observer, owner, count]) => [`${observer} ${owner}`, count]));
  const owners = users.map((name, index) => ({ name, index }));
  if (cells.some(([, owner]) => owner === OUTSIDE))
    owners.push({ name: 'outside', index: OUTSIDE });
  return (
    <Wide label="Isolation matrix">
      <table class="matrix">
        <thead>
          <tr>
            <td class="corner">
              saw <span aria-hidden="true">↓</span> of <span aria-hidden="true">→</span>
            </td>
            {owners.map(({ name }) => (
              <th key={name} scope="col">
                <Untrusted text={name} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {users.map((observer, row) => (
            <tr key={observer}>
              <th scope="row">
                <Untrusted text={observer} />
              </th>
              {owners.map(({ name, index }) => (
                <MatrixCell
                  key={name}
                  own={index === row}
                  count={counts.get(`${row} ${index}`) ?? 0}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function MatrixCell({ own, count }: { readonly own: boolean; readonly count: number }): VNode {
  if (own)
    return (
      <td class="own">
        <span class="sr">own</span>
      </td>
    );
  if (count === 0)
    return (
      <td class="clear">
        <span aria-hidden="true">·</span>
        <span class="sr">nothing</span>
      </td>
    );
  return (
    <td class="leak">
      <Count of={count} />
    </td>
  );
}

function MatrixPicture({
  matrix: { users, cells },
}: {
  readonly matrix: Verdict['matrix'];
}): VNode {
  const { tiles, usersPerTile, shades } = mapMatrix(users.length, cells);
  const first = showUntrustedUpTo(users[0] ?? '', NAME_CHARACTERS_MAX);
  const last = showUntrustedUpTo(users.at(-1) ?? '', NAME_CHARACTERS_MAX);
  const label =
    cells.length === 0
      ? 'Isolation matrix: empty but for the diagonal'
      : 'Isolation matrix: filled where a row user received what belongs to a column user; the pairs are listed below';
  return (
    <figure class="map">
      <svg viewBox={`0 0 ${tiles} ${tiles}`} role="img" aria-label={label}>
        <rect class="ground" width={tiles} height={tiles} />
        <path class="own" d={diagonal(tiles)} />
        {shades.map((path, index) => (
          <path key={index} class={`shade${index + 1}`} d={path} />
        ))}
      </svg>
      <figcaption>
        Rows: who looked on, from {first} at the top to {last}. Columns: whose it was, from {first}{' '}
        at the left. The diagonal is one's own.
        {usersPerTile > 1 ? (
          <>
            {' '}
            One tile stands for {usersPerTile} × {usersPerTile} users.
          </>
        ) : null}
      </figcaption>
    </figure>
  );
}

function diagonal(tiles: number): string {
  return Array.from({ length: tiles }, (_, at) => `M${at} ${at}h1v1h-1z`).join('');
}

function WorstPairs({ matrix: { users, cells } }: { readonly matrix: Verdict['matrix'] }): VNode {
  if (cells.length === 0) return <></>;
  const worst = cells.toSorted((a, b) => b[2] - a[2]).slice(0, PAIRS_MAX);
  return (
    <>
      <Wide label="Pairs with most sightings">
        <table>
          <TableHead columns={['Looked on', 'Belonged to', { number: 'Sightings' }]} />
          <tbody>
            {worst.map(([observer, owner, count]) => (
              <tr key={`${observer} ${owner}`}>
                <td>
                  <Untrusted text={users[observer] ?? '?'} />
                </td>
                <td>
                  <Untrusted text={users[owner] ?? 'outside'} />
                </td>
                <td class="number">
                  <Count of={count} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <LeftOut count={cells.length - worst.length} noun="pair" />
    </>
  );
}
