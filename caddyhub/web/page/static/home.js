// Stopping a server without leaving the page, and a page that follows servers
// which start or stop. Without an API address, or when a call fails, the form
// is posted as it would be without this script.

import { call, sleep } from './api.js';

const refreshAfter = 3000;

// The listener in hub.js comes first and marks the button; it leaves the event
// alone, so that this one can take it over.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches('.stop-form') || !form.dataset.api) return;
  event.preventDefault();
  stop(form);
});

async function stop(form) {
  try {
    const answer = await call('DELETE', form.dataset.api);
    if (answer.ok || answer.status === 404) {
      window.location.reload();
      return;
    }
  } catch {
    // The network failed; posting the form tells why.
  }
  form.submit();
}

// busy says whether the reader would lose something by a reload.
function busy() {
  const open = document.querySelector('details[open], form[data-sent]');
  const typed = [...document.querySelectorAll('input[type=text], textarea')].some((field) => field.value !== field.defaultValue);
  return document.hidden || open || typed || document.activeElement?.matches('input, textarea, select');
}

async function follow() {
  while (document.querySelector('.state.starting, .state.stopping')) {
    await sleep(refreshAfter);
    if (!busy()) {
      window.location.reload();
      return;
    }
  }
}

follow();
