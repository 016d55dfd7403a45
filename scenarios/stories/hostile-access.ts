import type { Crowd } from '../../clients/crowd.ts';
import type { User } from '../../clients/user.ts';

/**
 * Everybody tries what must be refused: the neighbour's run while it is under way, the neighbour's
 * thread, requests and sockets without a right to them; and the same with the own ids, where it must
 * work.
 */
export async function hostileAccess(crowd: Crowd): Promise<void> {
  const neighbourOf = (user: User): User =>
    crowd.users[(user.index + 1) % crowd.users.length] ?? user;
  crowd.needs('probe');
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('wait for a run to try', (user) => user.until('agent_started'));
  await crowd.each("try the neighbour's run", (user) =>
    user.probe('foreign run', neighbourOf(user)),
  );
  await crowd.each('read the answer', (user) => user.answered());
  await crowd.each("try the neighbour's thread", (user) =>
    user.probe('threads', neighbourOf(user)),
  );
  await crowd.each('try credentials', (user) => user.probe('credentials', neighbourOf(user)));
  await crowd.each('try sockets', (user) => user.probe('opens', neighbourOf(user)));
  await crowd.each('ask in the own thread', (user) => user.probe('own question', user));
  await crowd.each('try the own run', (user) => user.probe('own run', user));
  // What is deleted nobody can try any more.
  await crowd.each("delete the neighbour's thread", (user) =>
    user.probe('foreign deletion', neighbourOf(user)),
  );
  await crowd.each('delete the own thread', (user) => user.probe('own deletion', user));
}
