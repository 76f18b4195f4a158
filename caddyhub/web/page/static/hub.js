// What every page has: times in the reader's own zone and language, one submit
// per form, a question before what cannot be undone, and copy buttons.

import { localiseTimes } from './times.js';

localiseTimes(document);

for (const warning of document.querySelectorAll('#insecure-login-warning')) {
  warning.hidden = window.isSecureContext;
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) {
    event.preventDefault();
    return;
  }
  if (!form.dataset.busy) return;
  form.dataset.sent = 'true';
  const button = event.submitter ?? form.querySelector('button[type=submit]');
  if (!button) return;
  button.dataset.label = button.textContent;
  button.textContent = form.dataset.busy;
  button.setAttribute('aria-disabled', 'true');
});

// A page that comes back from the back-forward cache can be used again.
window.addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    const button = form.querySelector('[aria-disabled]');
    if (!button) continue;
    button.removeAttribute('aria-disabled');
    button.textContent = button.dataset.label;
  }
});

// An open menu closes with Escape, or when the reader goes elsewhere.
for (const menu of document.querySelectorAll('details.menu')) {
  menu.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !menu.open) return;
    menu.open = false;
    menu.querySelector('summary').focus();
  });
  document.addEventListener('click', (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll('button[data-copy]')) {
    const label = button.textContent;
    button.setAttribute('aria-live', 'polite');
    button.hidden = false;
    button.addEventListener('click', async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = 'Copied';
      } catch {
        window.getSelection().selectAllChildren(source);
        button.textContent = 'Selected: copy it with the keyboard';
      }
      setTimeout(() => { button.textContent = label; }, 4000);
    });
  }
}
