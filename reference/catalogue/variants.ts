import type { VariantEntry } from './entry.ts';

/** Every legal variant that this target accepts; those of the crowd alone change nothing here. */
export const VARIANTS: readonly VariantEntry[] = [
  {
    name: 'parallel-tools',
    does: 'Two tools run at once and complete in the other order.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'many-thinking',
    does: 'Several agent_thinking events in one run.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'several-tools',
    does: 'Several tools run one after the other.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'nested-agents',
    does: 'A sub-agent with another agent_name has its own start and completion inside the run.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'early-events',
    does: 'The first event of a run comes before its ack.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'streamed-answer',
    does: 'The answer also comes in agent_chunk pieces.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'same-user-tabs',
    does: 'All connections of one user get the events of their runs.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'shared-thread',
    does: 'Two users are members of one thread, and each sees the runs of the other in it.',
    target: 'reference',
    affects: 'crowd',
  },
  {
    name: 'constant-ids',
    does: 'Agent, tool and build ids in the payload are equal for all users.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'replay-own',
    does: 'After a resume all events of the run come again, with the same event ids.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'slow-but-within',
    does: 'Handshakes and runs are slow, but below every gate.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'unicode-names',
    does: 'Names and questions mix scripts, right-to-left text and emoji.',
    target: 'reference',
    affects: 'crowd',
  },
  {
    name: 'equal-questions',
    does: 'All users ask the same words; markers live in their notes.',
    target: 'reference',
    affects: 'crowd',
  },
  {
    name: 'token-refresh',
    does: 'Users get a new token in mid-run; the old one and the run go on.',
    target: 'reference',
    affects: 'both',
  },
  {
    name: 'server-pings',
    does: 'The server sends pings several times a second.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'two-revisions',
    does: 'Replies and events carry one of two long instance ids.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'envelope-flat',
    does: 'Envelope V1: everything at the root, thinking named reasoning, no message id.',
    target: 'netra',
    affects: 'target',
  },
  {
    name: 'envelope-data',
    does: 'Envelope V2: content in data, no thread id.',
    target: 'netra',
    affects: 'target',
  },
  {
    name: 'envelope-system',
    does: 'Envelope V12: type system_message with event and payload.',
    target: 'netra',
    affects: 'target',
  },
  {
    name: 'handshake-new',
    does: 'The server pushes handshake_response, and questions before its acknowledgement are lost.',
    target: 'netra',
    affects: 'target',
  },
];
