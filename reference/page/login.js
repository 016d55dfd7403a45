// Signs in or registers, keeps the tokens in localStorage and opens the chat.

const problem = document.querySelector('[data-testid=login-error]');

document.querySelector('[data-testid=login-form]').addEventListener('submit', (event) => {
  event.preventDefault();
  void enter('/auth/login', event.currentTarget);
});
document.querySelector('[data-testid=register-form]').addEventListener('submit', (event) => {
  event.preventDefault();
  void enter('/auth/register', event.currentTarget);
});

async function enter(path, form) {
  problem.hidden = true;
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  const reply = await response.json();
  if (!response.ok) {
    problem.textContent = reply.detail;
    problem.hidden = false;
    return;
  }
  localStorage.setItem('jwt_token', reply.access_token);
  localStorage.setItem('refresh_token', reply.refresh_token);
  location.assign('/chat');
}
