// The chat page: asks, follows the runs it asked for, and shows all that comes in.
import { SignedOut, accessToken, api, forgetTokens, refresh } from './api.js';
import { createConnection, forgetConnectionKey } from './connection.js';
import { agentOf, answerOf, canonical, errorOf, labelOf, textOf, unshifted } from './frames.js';
import { forgetTranscript, keepTranscript, restoreTranscript } from './transcript.js';
import * as view from './view.js';

const TITLE_LENGTH_MAX = 200;
const FLASH_MS = 50;
/** Frames that are about the connection and of no interest to a reader. */
const SILENT = new Set(['ack', 'pong', 'heartbeat', 'ping']);

// Runs by id, in the order of their first sighting; see `newRun`.
const runs = new Map();
// Runs whose answer came with the history: after a reload their events may come again all the same.
const recalled = new Set();
const messages = [];
let switches = new Set();
let threadId = decodeURIComponent(location.pathname.split('/')[2] ?? '') || null;
let me = null;
let connection = null;
let ready = false;

listenToReader();
if (accessToken() === null) leave();
else void guarded(open);

async function open() {
  const [user, page] = await Promise.all([
    api('GET', '/auth/me'),
    api('GET', '/api/page/switches'),
  ]);
  me = user;
  switches = new Set(page.switches);
  view.showUser(me);
  restore();
  await Promise.all([listThreads(), threadId === null ? null : showHistory()]);
  connection = createConnection(
    { clonesKey: switches.has('clone-connection-key') },
    { frame: receive, unreadable, lost, ended },
  );
  connection.open();
}

function listenToReader() {
  const on = (id, type, handle) => view.byTestId(id).addEventListener(type, handle);
  on('logout-button', 'click', () => void signOut());
  on('new-chat-button', 'click', () => void guarded(startConversation));
  on('stop-button', 'click', stop);
  on('threads-toggle', 'click', ({ currentTarget }) => {
    const expanded = currentTarget.getAttribute('aria-expanded') !== 'true';
    currentTarget.setAttribute('aria-expanded', String(expanded));
  });
  on('message-input', 'submit', (event) => {
    event.preventDefault();
    void guarded(ask);
  });
  on('message-textarea', 'keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void guarded(ask);
  });
}

// Nothing that goes wrong may pass in silence.
async function guarded(work) {
  try {
    await work();
  } catch (error) {
    if (error instanceof SignedOut) leave();
    else view.showProblem(error.message);
  }
}

async function listThreads({ cache } = {}) {
  const { threads } = await api('GET', '/api/threads', { cache });
  view.showThreads(threads, threadId);
  report(threads.map(({ id }) => id));
}

// Shows at once what a reload interrupted, and takes up the runs that had not ended.
function restore() {
  const kept = restoreTranscript(me.id, { whosever: switches.has('keep-transcript') });
  if (kept === null || (threadId !== null && kept.threadId !== threadId)) return;
  for (const message of kept.messages) view.drawMessage(message);
  report([kept.threadId]);
  if (kept.user !== me.id) return;
  messages.push(...kept.messages);
  openThread(kept.threadId);
  for (const { id, question } of kept.unfinished) {
    runs.set(id, { ...newRun(question), submitted: true });
    view.showProcessing(true);
  }
}

async function showHistory() {
  const path = `/api/threads/${encodeURIComponent(threadId)}/messages`;
  const history = await api('GET', path);
  for (const { role, content, metadata } of history.messages) {
    const message = { role, text: content, run: metadata.run_id };
    if (!view.isDrawn(message)) add(message);
    if (role === 'assistant') recalled.add(metadata.run_id);
  }
}

async function ask() {
  const box = view.byTestId('message-textarea');
  const content = box.value.trim();
  if (content === '' || view.byTestId('send-button').disabled) return;
  view.showProblem('');
  view.showProcessing(true);
  box.value = '';
  box.focus();
  const id = `run_${crypto.randomUUID()}`;
  add({ role: 'user', text: content, run: id });
  try {
    if (threadId === null) await createThread(content);
  } catch (error) {
    view.showProcessing(false);
    throw error;
  }
  const run = newRun({ content, thread_id: threadId, run_id: id, timestamp: now() });
  runs.set(id, run);
  keep();
  if (ready) submit(run);
}

async function createThread(title) {
  const body = title === undefined ? {} : { title: [...title].slice(0, TITLE_LENGTH_MAX).join('') };
  const thread = await api('POST', '/api/threads', { body });
  openThread(thread.id);
  await listThreads({ cache: 'reload' });
}

// A conversation that is begun by its button takes its title from its first question. On a page where
// nothing was said it is made in place; otherwise in a page of its own.
async function startConversation() {
  if (threadId !== null || messages.length > 0) {
    forgetTranscript();
    location.assign('/chat');
    return;
  }
  const wasReady = ready;
  view.showOpening();
  try {
    await createThread();
  } finally {
    if (wasReady && ready) view.showConnection('connected');
  }
}

function openThread(id) {
  threadId = id;
  history.replaceState(null, '', `/chat/${encodeURIComponent(id)}`);
}

function submit(run) {
  run.submitted = true;
  connection.send({ type: 'user_message', payload: run.question });
}

function stop() {
  if (!ready) return;
  for (const [id, run] of runs) {
    if (isUnfinished(run)) connection.send({ type: 'stop_agent', payload: { run_id: id } });
  }
}

function receive(raw) {
  const frame = canonical(raw);
  if (SILENT.has(frame.type)) return;
  switch (frame.type) {
    case 'connection_established':
      if (!switches.has('acknowledge-first')) begin();
      return;
    case 'handshake_response':
      connection.send({
        type: 'handshake_acknowledged',
        thread_id: frame.thread_id,
        timestamp: now(),
      });
      return;
    case 'handshake_complete':
      begin();
      return;
    case 'error_message':
      fail(frame);
      return;
    default:
      if (switches.has('hide-foreign-events') && frame.user_id !== me.id) return;
      show(frame);
  }
}

// The connection is ready. Runs go on where they were; what was asked in between is asked now.
function begin() {
  ready = true;
  view.showProblem('');
  view.showConnection('connected');
  for (const [id, run] of runs) {
    if (!isUnfinished(run)) continue;
    if (!run.submitted) submit(run);
    else connection.send({ type: 'resume', payload: { run_id: id, after: run.sequence } });
  }
}

function lost(opened) {
  ready = false;
  view.showConnection('reconnecting');
  // A connection that never opened may have been refused: then the token is worth nothing.
  if (!opened) void guarded(() => api('GET', '/auth/me'));
}

function ended(signedOut) {
  ready = false;
  if (signedOut) leave();
  else view.showConnection('disconnected: the chat is open in another tab');
}

function unreadable() {
  view.showProblem('A message from the service could not be read.');
}

// The service refused something that this page sent.
function fail(frame) {
  const id = frame.details?.run_id ?? undefined;
  add({ role: 'error', text: String(frame.error_message ?? 'The service refused that.'), run: id });
  const run = runs.get(id);
  if (run !== undefined && isUnfinished(run)) finish(run);
}

function show(received) {
  const frame = switches.has('draw-errors-as-success') ? asSuccess(received) : received;
  const run = runOf(frame.run_id);
  // A replay after a reconnect may bring again what is here already.
  if (run.seen.has(frame.message_id)) return;
  if (frame.message_id !== undefined) run.seen.add(frame.message_id);
  run.sequence = Math.max(run.sequence, frame.sequence ?? 0);
  drawLine(frame, run);
  drawHint(frame);
  FOLLOWERS[frame.type]?.(run, frame);
  if (frame.type === 'agent_thinking' && switches.has('refresh-in-run')) void guarded(refresh);
}

function asSuccess(frame) {
  if (frame.type !== 'agent_error') return frame;
  const payload = { agent_name: agentOf(frame), response: 'All done.' };
  return { ...frame, type: 'agent_completed', payload };
}

function drawLine(frame, run) {
  const { type, run_id: id } = frame;
  if (isUnfinished(run)) view.showProcessing(true, labelOf(type));
  if (type === 'agent_chunk') {
    run.pieces += 1;
    run.writing ??= view.drawEvent({ type, run: id, label: labelOf(type), text: '' });
    run.writing.textContent = `${run.pieces} ${run.pieces === 1 ? 'piece' : 'pieces'}`;
    return;
  }
  // The answer has an article of its own.
  const omitted = endsRun(run, frame) ? ['response', 'final_response', 'result'] : [];
  view.drawEvent({ type, run: id, label: labelOf(type), text: textOf(frame, omitted) });
}

function drawHint({ payload, run_id: run }) {
  if (!switches.has('decode-hints') || typeof payload.hint !== 'string') return;
  const article = view.drawMessage({ role: 'assistant', text: unshifted(payload.hint), run });
  if (switches.has('flash-hints')) setTimeout(() => article.remove(), FLASH_MS);
}

// Moves a run on. Sub-agents complete inside it; it is over when the outermost agent is.
const FOLLOWERS = {
  agent_started: (run, frame) => {
    run.agent ??= agentOf(frame);
  },
  agent_chunk: (run, { payload, run_id: id }) => {
    if (switches.has('hide-answers') || recalled.has(id)) return;
    run.article ??= view.drawMessage({ role: 'assistant', text: '', run: id });
    view.extendMessage(run.article, payload.text);
  },
  agent_completed: (run, frame) => {
    if (!endsRun(run, frame)) return;
    if (!switches.has('hide-answers') && !recalled.has(frame.run_id)) answer(run, frame);
    finish(run);
    void guarded(() => listThreads({ cache: 'reload' }));
  },
  agent_error: (run, frame) => {
    add({ role: 'error', text: errorOf(frame), run: frame.run_id });
    finish(run);
  },
  agent_stopped: (run) => finish(run),
};

function answer(run, frame) {
  const message = { role: 'assistant', text: answerOf(frame), run: frame.run_id };
  if (run.article === null) {
    add(message);
    return;
  }
  view.completeMessage(run.article, message.text);
  messages.push(message);
}

function finish(run) {
  run.done = true;
  keep();
  if (![...runs.values()].some(isUnfinished)) view.showProcessing(false);
}

function runOf(id) {
  const known = runs.get(id);
  if (known !== undefined) return known;
  const run = newRun(null);
  // Events without an id cannot be told to be of one run.
  if (id !== undefined) runs.set(id, run);
  return run;
}

/** `question` is null for a run that this page did not ask for: it shows it, but never resumes it. */
function newRun(question) {
  return {
    question,
    submitted: false,
    agent: null,
    seen: new Set(),
    sequence: 0,
    done: false,
    article: null,
    pieces: 0,
    writing: null,
  };
}

function isUnfinished(run) {
  return run.question !== null && !run.done;
}

function endsRun(run, frame) {
  return frame.type === 'agent_completed' && (run.agent ?? agentOf(frame)) === agentOf(frame);
}

function add(message) {
  view.drawMessage(message);
  messages.push(message);
}

function keep() {
  const unfinished = [...runs].flatMap(([id, run]) =>
    isUnfinished(run) ? [{ id, question: run.question }] : [],
  );
  keepTranscript({ user: me.id, threadId, messages, unfinished });
}

// What stays in this browser the service cannot see; where it broke that on purpose, it is told.
function report(threads) {
  if (!switches.has('report-drawn')) return;
  void guarded(() => api('POST', '/api/page/drawn', { body: { threads } }));
}

async function signOut() {
  try {
    await api('POST', '/auth/logout');
  } catch {
    // The service may be away or know nobody any more; this browser forgets all the same.
  }
  leave();
}

function leave() {
  connection?.close();
  forgetTokens();
  forgetConnectionKey();
  if (!switches.has('keep-transcript')) forgetTranscript();
  location.replace('/login');
}

function now() {
  return new Date().toISOString();
}
