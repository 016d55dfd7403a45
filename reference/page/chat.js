// The chat page. Whatever the service sends is drawn as text, never as HTML.

const RECONNECT_PAUSE_MS = 500;
const TITLE_LENGTH_MAX = 200;
const ARTICLE_NAMES = { user: 'You', assistant: 'Agent', error: 'Error' };

const token = localStorage.getItem('jwt_token');
const hidesForeignEvents = document.body.dataset.foreignEvents === 'hide';
// Runs that this page asked for, by id; see `newRun`.
const runs = new Map();
let threadId = decodeURIComponent(location.pathname.split('/')[2] ?? '') || null;
let me = null;
let socket = null;
let connected = false;
const connectionKey = takeConnectionKey();

if (token === null) location.replace('/login');
else void open();

async function open() {
  byTestId('logout-button').addEventListener('click', () => void signOut());
  byTestId('new-chat-button').addEventListener('click', () => location.assign('/chat'));
  byTestId('stop-button').addEventListener('click', stop);
  byTestId('message-input').addEventListener('submit', (event) => {
    event.preventDefault();
    void ask();
  });
  byTestId('message-textarea').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    void ask();
  });
  me = await api('GET', '/auth/me');
  byTestId('user-email').textContent = `${me.name} (${me.email})`;
  await Promise.all([listThreads(), threadId === null ? null : showHistory()]);
  connect();
}

async function api(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status === 401) leave();
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`);
  return response.json();
}

async function listThreads() {
  const { threads } = await api('GET', '/api/threads');
  byTestId('thread-list').replaceChildren(
    ...threads.map((thread) => {
      const link = element('a', thread.title);
      link.href = `/chat/${encodeURIComponent(thread.id)}`;
      const item = document.createElement('li');
      item.dataset.testid = `thread-item-${thread.id}`;
      item.append(link);
      return item;
    }),
  );
}

async function showHistory() {
  const { messages } = await api('GET', `/api/threads/${encodeURIComponent(threadId)}/messages`);
  for (const message of messages) drawMessage(message.role, message.content);
}

function connect() {
  const address = new URL('/ws', location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  address.searchParams.set('key', connectionKey);
  socket = new WebSocket(address, ['jwt-auth', `jwt.${token}`]);
  socket.addEventListener('message', ({ data }) => read(data));
  socket.addEventListener('close', ({ code }) => {
    connected = false;
    byTestId('connection-state').textContent = 'disconnected';
    if (code === 1008) leave();
    else setTimeout(connect, RECONNECT_PAUSE_MS);
  });
}

// Each tab has a connection key. A duplicated tab starts with a copy of this one's sessionStorage, so
// the mark that says "in use" comes along with the key and tells it to make its own.
function takeConnectionKey() {
  const known = sessionStorage.getItem('connection_key');
  const reusable = known !== null && sessionStorage.getItem('connection_key_in_use') === null;
  const key = reusable ? known : crypto.randomUUID();
  sessionStorage.setItem('connection_key', key);
  sessionStorage.setItem('connection_key_in_use', 'true');
  addEventListener('pagehide', () => sessionStorage.removeItem('connection_key_in_use'));
  return key;
}

async function ask() {
  const box = byTestId('message-textarea');
  const content = box.value.trim();
  if (content === '' || byTestId('send-button').disabled) return;
  byTestId('send-button').disabled = true;
  box.value = '';
  drawMessage('user', content);
  if (threadId === null) {
    const thread = await api('POST', '/api/threads', {
      title: [...content].slice(0, TITLE_LENGTH_MAX).join(''),
    });
    threadId = thread.id;
    history.replaceState(null, '', `/chat/${encodeURIComponent(threadId)}`);
    await listThreads();
  }
  const runId = `run_${crypto.randomUUID()}`;
  const run = newRun();
  run.question = { content, thread_id: threadId, run_id: runId, timestamp: now() };
  runs.set(runId, run);
  byTestId('agent-processing').hidden = false;
  if (connected) submit(run);
}

function submit(run) {
  run.submitted = true;
  send({ type: 'user_message', payload: run.question });
}

function stop() {
  for (const [runId, run] of runs) {
    if (!run.done) send({ type: 'stop_agent', payload: { run_id: runId } });
  }
}

function read(text) {
  try {
    receive(JSON.parse(text));
  } catch {
    // A frame that cannot be read must not stop the ones after it.
    byTestId('connection-state').textContent = 'connected, but a frame was unreadable';
  }
}

function receive(raw) {
  const frame = canonical(raw);
  switch (frame.type) {
    case 'connection_established':
      connected = true;
      byTestId('connection-state').textContent = 'connected';
      resumeRuns();
      return;
    case 'handshake_response':
      send({ type: 'handshake_acknowledged', thread_id: frame.thread_id, timestamp: now() });
      return;
    case 'error_message':
      drawMessage('error', frame.error_message);
      return;
    case 'ack':
    case 'pong':
    case 'heartbeat':
    case 'ping':
    case 'handshake_complete':
      return;
    default:
      if (hidesForeignEvents && frame.user_id !== me.id) return;
      drawEvent(frame);
      follow(frame);
  }
}

// Other revisions of the service wrap their events differently; here they look alike.
function canonical(raw) {
  const type = raw.type === 'system_message' ? raw.event : raw.type;
  const payload = raw.payload ?? raw.data ?? raw;
  return { ...raw, type: type === 'reasoning' ? 'agent_thinking' : (type ?? 'unknown'), payload };
}

// After a reconnect runs go on where they were; what was asked in between is asked now.
function resumeRuns() {
  for (const [runId, run] of runs) {
    if (run.done) continue;
    if (run.submitted) send({ type: 'resume', payload: { run_id: runId, after: run.sequence } });
    else submit(run);
  }
}

function drawEvent(frame) {
  const line = element('li', `${frame.type}: ${eventText(frame.payload)}`);
  line.dataset.event = frame.type;
  if (frame.run_id !== undefined) line.dataset.run = frame.run_id;
  byTestId('event-log').append(line);
}

// Everything that the event says, in the order it says it.
function eventText(payload) {
  return Object.entries(payload)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' · ');
}

// Moves a run on. Sub-agents complete inside it; it is over when the outermost agent is.
const FOLLOWERS = {
  agent_started: (run, frame) => {
    run.agent ??= agentName(frame);
  },
  agent_chunk: (run, { payload }) => {
    run.stream ??= drawMessage('assistant', '');
    run.stream.textContent += payload.text;
  },
  agent_completed: (run, frame) => {
    if (run.agent === null || run.agent === agentName(frame)) answer(run, frame.payload);
  },
  agent_error: (run, { payload }) => {
    drawMessage('error', payload.error ?? payload.error_message);
    finish(run);
  },
  agent_stopped: finish,
};

function follow(frame) {
  const run = runs.get(frame.run_id) ?? newRun();
  run.sequence = Math.max(run.sequence, frame.sequence ?? 0);
  FOLLOWERS[frame.type]?.(run, frame);
}

function newRun() {
  return { question: null, submitted: false, agent: null, sequence: 0, done: false, stream: null };
}

function agentName(frame) {
  return frame.payload.agent_name ?? frame.agent_name;
}

function answer(run, payload) {
  const text = payload.response ?? payload.final_response ?? payload.result;
  if (run.stream === null) drawMessage('assistant', text);
  else run.stream.textContent = text;
  finish(run);
}

function finish(run) {
  run.done = true;
  if ([...runs.values()].some(({ done }) => !done)) return;
  byTestId('agent-processing').hidden = true;
  byTestId('send-button').disabled = false;
}

function drawMessage(role, text) {
  const article = element('div', text);
  article.setAttribute('role', 'article');
  article.setAttribute('aria-label', ARTICLE_NAMES[role]);
  article.dataset.role = role;
  byTestId('messages').append(article);
  return article;
}

async function signOut() {
  await api('POST', '/auth/logout');
  leave();
}

function send(frame) {
  socket.send(JSON.stringify(frame));
}

function now() {
  return new Date().toISOString();
}

function leave() {
  localStorage.clear();
  sessionStorage.clear();
  location.replace('/login');
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function byTestId(id) {
  return document.querySelector(`[data-testid="${id}"]`);
}
