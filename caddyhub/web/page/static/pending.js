// The progress of a start, live. Events are server-sent; the log shows each
// message once, whatever is sent again after the connection was lost.

import { sleep, webAddress, withXSRF } from './api.js';

const page = document.getElementById('pending');
const title = document.getElementById('pending-title');
const lead = document.getElementById('pending-lead');
const bar = document.getElementById('progress-bar');
const percent = document.getElementById('sr-progress');
const message = document.getElementById('progress-message');
const connection = document.getElementById('progress-connection');
const log = document.getElementById('progress-log');

const firstRetry = 1000;
const longestRetry = 15000;

let retry = firstRetry;
let position = 0; // where the next event of this stream belongs in the log

// text is what an event says. Some spawners send only HTML; its tags are not
// trusted and are left out.
function text(event) {
  if (event.message) return event.message;
  if (!event.html_message) return '';
  const page = new DOMParser().parseFromString(event.html_message, 'text/html');
  for (const element of page.querySelectorAll('script, style, template')) element.remove();
  return page.body.textContent;
}

function show(event) {
  const words = text(event);
  if (words && log.children[position]?.textContent === words) {
    // It was shown before; to go back to it would move the bar backwards.
    position += 1;
    return;
  }
  if (typeof event.progress === 'number') {
    const value = Math.max(0, Math.min(100, Math.round(event.progress)));
    bar.value = value;
    percent.textContent = `${value}%`;
  }
  if (!words) return;
  message.textContent = words;
  position = log.children.length + 1;
  const entry = document.createElement('li');
  entry.className = 'progress-log-event';
  entry.textContent = words;
  log.append(entry);
}

function ready(event) {
  title.textContent = 'The server is ready';
  const target = webAddress(page.dataset.nextUrl) ?? webAddress(event.url);
  if (target) window.location.replace(target);
  else window.location.reload();
}

function failed(event) {
  page.classList.add('failed');
  title.textContent = 'The server did not start';
  lead.textContent = text(event) || 'The hub does not say why.';
  lead.setAttribute('role', 'alert');
  document.getElementById('progress-details').open = true;
  document.getElementById('cancel-form')?.remove();
  const again = document.getElementById('retry');
  if (!again) return;
  again.hidden = false;
  again.focus();
}

function listen() {
  const stream = new EventSource(withXSRF(page.dataset.progressUrl));
  position = 0;
  stream.onopen = () => {
    retry = firstRetry;
    connection.textContent = '';
  };
  stream.onmessage = (raw) => {
    let event;
    try {
      event = JSON.parse(raw.data);
    } catch {
      return;
    }
    show(event);
    if (event.ready || event.failed) stream.close();
    if (event.ready) ready(event);
    else if (event.failed) failed(event);
  };
  stream.onerror = async () => {
    // The browser's own retries have no limit and begin the log again.
    stream.close();
    connection.textContent = 'The connection was lost. Trying again…';
    await sleep(retry);
    // What the hub says now may be another page: ready, failed, or login.
    if (retry >= longestRetry) {
      window.location.reload();
      return;
    }
    retry = Math.min(retry * 2, longestRetry);
    listen();
  };
}

listen();
