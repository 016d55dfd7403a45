// Signs in or registers, keeps the tokens and opens the chat.
import { keepTokens } from './api.js';

const form = document.querySelector('[data-testid=login-form]');
const problem = document.querySelector('[role=alert]');
const buttons = form.querySelectorAll('button');

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const { email, password, name } = Object.fromEntries(new FormData(form));
  const registers = event.submitter?.value === 'register';
  if (!registers) void enter('/auth/login', { email, password });
  // Without a name the service makes one of the e-mail address.
  else void enter('/auth/register', { email, password, ...(name === '' ? {} : { name }) });
});

async function enter(path, body) {
  problem.textContent = '';
  for (const button of buttons) button.disabled = true;
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const reply = await response.json();
    if (!response.ok) throw new Error(reply.detail);
    keepTokens(reply);
    // Whoever goes back to this page at a shared browser must not find what was typed into it.
    form.reset();
    location.assign('/chat');
  } catch (error) {
    problem.textContent =
      error instanceof TypeError ? 'The service cannot be reached.' : error.message;
    for (const button of buttons) button.disabled = false;
  }
}
