import type { VNode } from 'preact';
import type { Verdict, VerdictUser } from '../../history/verdict.ts';
import { showUntrusted } from '../untrusted.ts';
import { Count, LeftOut, Milliseconds, OutcomeMark, Untrusted, Wide } from './figures.tsx';
import { usersThatMatter } from './trial-view.ts';
import { TableHead } from './structure.tsx';

const ROWS_MAX = 50;
const NAME_CHARACTERS_MAX = 40;

/** Per user: how often each required event came, whether in order, and how quickly. */
export function EventsTable({ verdict }: { readonly verdict: Verdict }): VNode {
  const events = Object.keys(verdict.users[0]?.events ?? {});
  const shown = new Set(usersThatMatter(verdict, ROWS_MAX));
  const users = verdict.users.filter(({ user }) => shown.has(user));
  const objections = objectionsByUser(verdict);
  const judged = wasOrderJudged(verdict);
  return (
    <>
      <p class="lead">
        How often each event came, out of the runs that the user asked for. Latency counts from the
        moment the question was due.
      </p>
      <Wide label="Events of each user">
        <table class="events">
          <TableHead
            columns={[
              'User',
              { number: 'Runs' },
              ...events.map((event) => ({ number: <EventName event={event} /> })),
              'In order',
              { number: 'Connect' },
              { number: 'First event' },
              { number: 'Whole run' },
            ]}
          />
          <tbody>
            {users.map((user) => (
              <UserRow
                key={user.user}
                user={user}
                events={events}
                objections={objections.get(user.user)}
                judged={judged}
              />
            ))}
          </tbody>
        </table>
      </Wide>
      <LeftOut count={verdict.users.length - users.length} noun="user" />
    </>
  );
}

/** May be broken where its words end: five of them share a table's head. */
function EventName({ event }: { readonly event: string }): VNode {
  return (
    <code>
      {event.split(/(?<=_)/).map((word) => (
        <>
          {showUntrusted(word)}
          <wbr />
        </>
      ))}
    </code>
  );
}

function UserRow({
  user,
  events,
  objections,
  judged,
}: {
  readonly user: VerdictUser;
  readonly events: readonly string[];
  readonly objections: ReadonlySet<string> | undefined;
  readonly judged: boolean;
}): VNode {
  return (
    <tr>
      <th scope="row">
        <Untrusted text={user.user} charactersMax={NAME_CHARACTERS_MAX} />{' '}
        <span class="quiet">{user.transport}</span>
      </th>
      <td class="number">
        <Count of={user.runs} />
      </td>
      {events.map((event) => {
        const count = user.events[event] ?? 0;
        return (
          <td key={event} class={count < user.runs ? 'number short' : 'number'}>
            <Count of={count} />
            {count < user.runs ? <span class="sr"> too few</span> : null}
          </td>
        );
      })}
      <td>
        <Order objections={objections} judged={judged && user.runs > 0} />
      </td>
      <td class="number">
        <Milliseconds of={user.latencyMs.connect} />
      </td>
      <td class="number">
        <Milliseconds of={user.latencyMs.firstEvent} />
      </td>
      <td class="number">
        <Milliseconds of={user.latencyMs.run} />
      </td>
    </tr>
  );
}

function Order({
  objections,
  judged,
}: {
  readonly objections: ReadonlySet<string> | undefined;
  readonly judged: boolean;
}): VNode {
  if (objections !== undefined)
    return (
      <span class="outcome fail">
        <OutcomeMark outcome="fail" word="" />
        <Untrusted text={[...objections].join(', ')} />
      </span>
    );
  return judged ? (
    <OutcomeMark outcome="pass" word="yes" />
  ) : (
    <OutcomeMark outcome="inconclusive" word="not proven" />
  );
}

/** Short names of the order rules that object to something of a user. */
function objectionsByUser({ findings }: Verdict): Map<string, Set<string>> {
  const objections = new Map<string, Set<string>>();
  for (const { rule, severity, observer } of findings) {
    if (severity !== 'violation' || observer === null || !rule.startsWith('order/')) continue;
    const known = objections.get(observer) ?? new Set();
    objections.set(observer, known.add(rule.slice('order/'.length)));
  }
  return objections;
}

/** Whether a user without an objection may be called in order: no order rule was left open. */
function wasOrderJudged({ rules, findingsOmitted }: Verdict): boolean {
  const order = rules.filter(({ rule }) => rule.startsWith('order/'));
  return (
    findingsOmitted === 0 &&
    order.some(({ outcome }) => outcome !== 'not-applicable') &&
    order.every(({ outcome }) => outcome !== 'inconclusive')
  );
}
