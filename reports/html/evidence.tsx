import type { VNode } from 'preact';
import type { AccessRow, Verdict } from '../../history/verdict.ts';
import { Count, LeftOut, OutcomeMark, Share, Untrusted, Wide } from './figures.tsx';
import { usersThatMatter } from './trial-view.ts';
import { TableHead } from './structure.tsx';

const USERS_MAX = 30;
const ACCESS_ROWS_MAX = 100;
const BAR_WIDTH = 200;

/** What was searched for what belongs to others: users × surfaces, in bytes. */
export function Searched({ verdict }: { readonly verdict: Verdict }): VNode {
  const shown = new Set(usersThatMatter(verdict, USERS_MAX));
  const users = verdict.users.filter(({ user }) => shown.has(user));
  const surfaces = [
    ...new Set(verdict.users.flatMap(({ bytes }) => Object.keys(bytes))),
  ].toSorted();
  if (surfaces.length === 0) return <p class="quiet">Nobody received anything to search.</p>;
  return (
    <>
      <p class="lead">
        <Count of={verdict.evidence.observations} /> observations were judged. Bytes of content that
        each user received, by where it was seen; all of it was searched for what belongs to others:{' '}
        <Count of={verdict.evidence.bytes} /> bytes.
      </p>
      <Wide label="Bytes searched">
        <table>
          <TableHead
            columns={[
              'User',
              ...surfaces.map((surface) => ({ number: <Untrusted text={surface} /> })),
            ]}
          />
          <tbody>
            {users.map(({ user, bytes }) => (
              <tr key={user}>
                <th scope="row">
                  <Untrusted text={user} />
                </th>
                {surfaces.map((surface) => (
                  <td key={surface} class="number">
                    {bytes[surface] === undefined ? (
                      <span class="quiet">nothing</span>
                    ) : (
                      <Count of={bytes[surface]} />
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <LeftOut count={verdict.users.length - users.length} noun="user" />
    </>
  );
}

/** How far the users really ran at once, and what seeing no leak among them is worth. */
export function Confidence({
  verdict: { evidence, verdict },
}: {
  readonly verdict: Verdict;
}): VNode {
  const { pairs, pairsOverlapping, runPairsOverlapping, opportunities } = evidence;
  return (
    <>
      <p class="lead">
        Leaks need users who run at once. <Count of={pairsOverlapping} /> of <Count of={pairs} />{' '}
        pairs of users did, in <Count of={runPairsOverlapping} /> pairs of runs.
      </p>
      <ShareBar share={pairs === 0 ? 0 : pairsOverlapping / pairs} />
      {verdict !== 'pass' || evidence.leakRateUpperBound95 === null ? (
        <p>
          No upper bound of the leak rate is claimed: only a trial that passes proves one. Chances
          to see a leak: <Count of={opportunities} />.
        </p>
      ) : (
        <p>
          Zero leaks in <Count of={opportunities} /> chances to see one: with 95 % confidence at
          most <Share of={evidence.leakRateUpperBound95} /> of observations leak
          {evidence.leakRateUpperBound95PerRunPair === null ? null : (
            <>
              , or at most <Share of={evidence.leakRateUpperBound95PerRunPair} /> of overlapping
              pairs of runs, since observations of one run are not independent
            </>
          )}
          . It is never proof of none.
        </p>
      )}
    </>
  );
}

function ShareBar({ share }: { readonly share: number }): VNode {
  return (
    <svg class="share" viewBox={`0 0 ${BAR_WIDTH} 8`} aria-hidden="true" preserveAspectRatio="none">
      <rect class="ground" width={BAR_WIDTH} height="8" />
      <rect class="filled" width={Math.round(share * BAR_WIDTH * 10) / 10} height="8" />
    </svg>
  );
}

/** What was planted into the recorded history, and whether the judge found it. */
export function Calibration({
  verdict: { evidence, verdict },
}: {
  readonly verdict: Verdict;
}): VNode {
  const { calibration } = evidence;
  if (calibration === null)
    return (
      <p>
        {verdict === 'fail'
          ? 'Not needed: the detector has just shown that it detects.'
          : 'Not done: only a history that would otherwise pass has leaks planted into it.'}
      </p>
    );
  return (
    <>
      <p class="lead">
        The recorded history was changed in memory, once for each way of leaking or breaking, and
        judged again: <Count of={calibration.caught} /> of <Count of={calibration.planted} /> were
        caught.
      </p>
      <Wide label="Calibration by mutation">
        <table>
          <TableHead columns={['Planted', { number: 'Times' }, { number: 'Caught' }, 'Outcome']} />
          <tbody>
            {Object.entries(calibration.byMutation).map(([name, { planted, caught }]) => (
              <tr key={name}>
                <th scope="row">
                  <Untrusted text={name.replaceAll('-', ' ')} />
                </th>
                <td class="number">
                  <Count of={planted} />
                </td>
                <td class="number">
                  <Count of={caught} />
                </td>
                <td>
                  <OutcomeMark
                    outcome={caught === planted ? 'pass' : 'inconclusive'}
                    word={caught === planted ? 'caught' : 'missed'}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}

/** Attempts at what only its owner may do: who tried what, and what came of it. */
export function AccessTable({ access }: { readonly access: readonly AccessRow[] }): VNode {
  const unexpectedFirst = access.toSorted((a, b) => Number(isExpected(a)) - Number(isExpected(b)));
  const rows = unexpectedFirst.slice(0, ACCESS_ROWS_MAX);
  return (
    <>
      <p class="lead">
        What was tried that only its owner may do, each attempt beside one that must be accepted.
      </p>
      <Wide label="Hostile access">
        <table>
          <TableHead columns={['Who', 'Whose', 'Tried', 'With', 'Expected', 'Came']} />
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                <th scope="row">
                  <Untrusted text={row.user} />
                </th>
                <td>
                  <Untrusted text={row.owner ?? 'nobody'} />
                </td>
                <td>
                  <Untrusted text={row.verb} />
                </td>
                <td>
                  <Untrusted text={row.source} />
                </td>
                <td>{row.expected}</td>
                <td>
                  <OutcomeMark outcome={outcomeOf(row)} word={row.got} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <LeftOut count={access.length - rows.length} noun="attempt" />
    </>
  );
}

function isExpected({ expected, got }: AccessRow): boolean {
  return expected === got;
}

function outcomeOf(row: AccessRow): 'pass' | 'fail' | 'inconclusive' {
  if (isExpected(row)) return 'pass';
  return row.expected === 'refused' && row.got === 'accepted' ? 'fail' : 'inconclusive';
}

/** Every rule with its outcome and how much it examined. */
export function RulesTable({ rules }: { readonly rules: Verdict['rules'] }): VNode {
  return (
    <details>
      <summary>
        <Count of={rules.length} /> rules and what each examined
      </summary>
      <Wide label="Rules">
        <table>
          <TableHead columns={['Rule', 'Outcome', { number: 'Examined' }]} />
          <tbody>
            {rules.map(({ rule, outcome, examined }) => (
              <tr key={rule}>
                <th scope="row">
                  <Untrusted text={rule} />
                </th>
                <td>
                  <OutcomeMark outcome={outcome} />
                </td>
                <td class="number">
                  <Count of={examined} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </details>
  );
}
