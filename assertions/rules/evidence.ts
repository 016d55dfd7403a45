import type { Observation } from '../../history/observation.ts';
import type { Tally } from '../tally.ts';
import type { Bench, Ending, RuleGroup } from '../rule-group.ts';

const NOTHING = 'evidence/nothing-observed';
const OVERLAP = 'evidence/no-overlap';
const INCOMPLETE = 'evidence/incomplete-history';
const OVERLOADED = 'evidence/harness-overloaded';

/** Is there enough evidence to say anything? (DESIGN §3.4–3.6, FAULTS "Faults of the harness itself".) */
export function evidenceRules(bench: Bench, tally: Tally): RuleGroup {
  const { knowledge, report } = bench;
  const { profile } = knowledge;
  const count = knowledge.users.length;
  const pairs = (count * (count - 1)) / 2;

  const crowd = (rule: string, message: string, observation: Observation | null = null): void =>
    report.add({ rule, observer: null, owner: null, observation, message });

  const silentUsers = (): void => {
    if (count === 0) crowd(NOTHING, 'the crowd has no users');
    for (const [user, name] of knowledge.users.entries()) {
      if (tally.agentEventsOf(user) > 0) continue;
      const what = tally.inboundOf(user) === 0 ? 'nothing at all' : 'no agent event';
      report.add({
        rule: NOTHING,
        observer: user,
        owner: null,
        observation: null,
        surface: 'socket',
        message: `${name} received ${what}`,
      });
    }
  };

  const overlap = (): void => {
    if (count < 2) {
      crowd(
        OVERLAP,
        `${count === 1 ? 'one user alone' : 'no user'} proves nothing about isolation: use at least 2 users`,
      );
      return;
    }
    const wanted = Math.ceil(profile.limits.overlapFloor * pairs - 1e-9);
    const reached = tally.overlap().pairs;
    if (reached < wanted)
      crowd(
        OVERLAP,
        `${reached} of ${pairs} pairs of users overlapped, at least ${wanted} are needed`,
      );
  };

  return {
    rules: [NOTHING, OVERLAP, INCOMPLETE, OVERLOADED],
    observeCrowd(observation: Observation): void {
      if (observation.kind === 'lost')
        crowd(
          OVERLOADED,
          `${observation.count ?? 'some'} observations were lost: the disk could not follow`,
          observation,
        );
      if (observation.kind === 'stall' && (observation.delay ?? 0) > profile.limits.quietMsMin)
        crowd(
          OVERLOADED,
          `the harness's event loop stood still for ${((observation.delay ?? 0) / 1000).toFixed(1)} s, longer than the quiet window`,
          observation,
        );
    },
    conclude(ending: Ending): void {
      silentUsers();
      overlap();
      if (ending.end === undefined && !ending.complete)
        crowd(INCOMPLETE, 'the history has no last line: the trial was interrupted');
      else if (ending.end !== undefined && ending.end.reason !== 'done')
        crowd(INCOMPLETE, `the trial was cut short: ${ending.end.reason}`);
      for (const problem of ending.problems)
        crowd(
          INCOMPLETE,
          problem.line === null ? problem.message : `line ${problem.line}: ${problem.message}`,
        );
    },
    examined: (rule) =>
      rule === OVERLAP || rule === NOTHING ? Math.max(1, count) : Math.max(1, tally.observations),
  };
}
