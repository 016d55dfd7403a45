// Draws the chat. Whatever the service sends is drawn as text, never as HTML.

const ARTICLE_NAMES = { user: 'You', assistant: 'Agent', error: 'Error' };
const NEAR_THE_END_PX = 80;

// What belongs to one run stands together: the question, what the agent does, the answer.
const groups = new Map();

/** Finds a part of the page. */
export function byTestId(id) {
  return document.querySelector(`[data-testid="${id}"]`);
}

/** Shows who is signed in. */
export function showUser({ name, email }) {
  byTestId('user-email').textContent = `${name} (${email})`;
}

/** Shows whether questions may be asked: `connected`, or why not. */
export function showConnection(state) {
  byTestId('connection-state').textContent = state;
  byTestId('connection-state').dataset.state = state;
  if (state === 'connected') byTestId('main-chat').dataset.state = 'ready';
  else delete byTestId('main-chat').dataset.state;
}

/** Nothing may be asked while a conversation is being made. */
export function showOpening() {
  delete byTestId('main-chat').dataset.state;
}

/** Shows whether a run is under way, and what it does. */
export function showProcessing(underWay, doing = '') {
  byTestId('agent-processing').hidden = !underWay;
  byTestId('processing-step').textContent = doing;
  byTestId('send-button').disabled = underWay;
}

/** Says what went wrong outside of any run; an empty text takes it back. */
export function showProblem(text) {
  byTestId('chat-problem').textContent = text;
}

/** Lists the threads, and marks the open one. */
export function showThreads(threads, openThread) {
  byTestId('no-threads').hidden = threads.length > 0;
  byTestId('thread-list').replaceChildren(
    ...threads.map(({ id, title }) => {
      const link = document.createElement('a');
      link.append(element('span', title));
      link.href = `/chat/${encodeURIComponent(id)}`;
      if (id === openThread) link.setAttribute('aria-current', 'page');
      const item = document.createElement('li');
      item.dataset.testid = `thread-item-${id}`;
      item.append(link);
      return item;
    }),
  );
}

/** Draws a message and returns its article. */
export function drawMessage({ role, text, run }) {
  const article = element('div', text);
  article.className = 'message';
  article.setAttribute('role', 'article');
  article.setAttribute('aria-label', ARTICLE_NAMES[role]);
  article.dataset.role = role;
  if (run !== undefined) article.dataset.run = run;
  append(groupOf(run).box, article);
  return article;
}

/** True if a message of this kind stands there already. */
export function isDrawn({ role, run }) {
  return document.querySelector(`[data-role="${role}"][data-run="${CSS.escape(run)}"]`) !== null;
}

/** Lets an answer grow; screen readers wait for its end. */
export function extendMessage(article, text) {
  article.setAttribute('aria-busy', 'true');
  following(() => article.append(text));
}

/** Gives a message that grew its final text. */
export function completeMessage(article, text) {
  article.removeAttribute('aria-busy');
  if (article.textContent !== text) following(() => article.replaceChildren(text));
}

/** Draws one line about an event and returns its text part. */
export function drawEvent({ type, run, label, text }) {
  const line = document.createElement('li');
  line.dataset.event = type;
  if (run !== undefined) line.dataset.run = run;
  const what = element('span', text);
  line.append(element('strong', label), ' ', what);
  append(activityOf(groupOf(run)), line);
  return what;
}

function groupOf(run = '') {
  const known = groups.get(run);
  if (known !== undefined) return known;
  const box = document.createElement('div');
  box.className = 'run';
  const group = { box, activity: null };
  groups.set(run, group);
  byTestId('empty-chat').hidden = true;
  append(byTestId('messages'), box);
  return group;
}

function activityOf(group) {
  if (group.activity !== null) return group.activity;
  const list = document.createElement('ol');
  list.className = 'activity';
  list.dataset.testid = 'event-log';
  list.setAttribute('aria-label', 'What the agent does');
  // The status line below says the same in fewer words.
  list.setAttribute('aria-live', 'off');
  group.activity = list;
  append(group.box, list);
  return list;
}

function append(parent, child) {
  following(() => parent.append(child));
}

// Stays at the end of the conversation, unless the reader scrolled away from it.
function following(change) {
  const box = byTestId('messages');
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_THE_END_PX;
  change();
  if (atEnd) box.scrollTop = box.scrollHeight;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
