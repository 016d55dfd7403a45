// What this browser keeps of the conversation, so that a reload shows it at once. It belongs to one
// user and is gone with the sign-out.

const KEY = 'chat_state_persistence';
const MESSAGES_MAX = 100;

/**
 * Returns `{user, threadId, messages: [{role, text, run}], unfinished: [{id, question}]}` as this user
 * left it, or null. What another user left is removed, unless `whosever` asks for it all the same.
 */
export function restoreTranscript(user, { whosever }) {
  const text = localStorage.getItem(KEY);
  if (text === null) return null;
  const kept = parse(text);
  if (kept !== null && (whosever || kept.user === user)) return kept;
  forgetTranscript();
  return null;
}

/** Keeps the newest messages of a conversation. */
export function keepTranscript({ messages, ...rest }) {
  localStorage.setItem(KEY, JSON.stringify({ ...rest, messages: messages.slice(-MESSAGES_MAX) }));
}

/** Removes whatever was kept. */
export function forgetTranscript() {
  localStorage.removeItem(KEY);
}

function parse(text) {
  try {
    const kept = JSON.parse(text);
    return Array.isArray(kept?.messages) && Array.isArray(kept.unfinished) ? kept : null;
  } catch {
    // Another version of this page, or a curious user, wrote it.
    return null;
  }
}
