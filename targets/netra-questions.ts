import type { AskFrame, Question } from './target.ts';

/**
 * How the old generation asks (NETRA-WIRE §4.1): `start_agent` begins a thread, `user_message` goes on
 * in it. Whether it keeps our run id depends on the revision, so none is promised: its runs are
 * recognised by thread, user or marker.
 */
export function askOldGeneration(question: Question): AskFrame {
  return { frame: question.first ? startFrame(question) : messageFrame(question) };
}

/** How the new generation asks (NETRA-WIRE §9): the client chooses the run id. */
export function askNewGeneration(question: Question): AskFrame {
  return { frame: messageFrame(question), run: question.run };
}

function messageFrame({ content, thread, run, now }: Question): unknown {
  return {
    type: 'user_message',
    payload: {
      content,
      ...(thread !== undefined && { thread_id: thread }),
      run_id: run,
      timestamp: new Date(now).toISOString(),
      references: [],
    },
  };
}

function startFrame({ content, thread, run, now }: Question): unknown {
  return {
    type: 'start_agent',
    payload: {
      user_request: content,
      thread_id: thread ?? null,
      run_id: run,
      timestamp: new Date(now).toISOString(),
      context: { source: 'message_input' },
      settings: {},
    },
  };
}
