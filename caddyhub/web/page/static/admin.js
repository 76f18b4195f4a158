// The admin page: a client of the REST API. Names and all else that people have
// chosen are put into the page as text, never as markup.

import { call, sleep, webAddress } from './api.js';
import { localiseTimes } from './times.js';

const pageSize = 50;
const refreshAfter = 2000;

const admin = document.getElementById('admin');
const rows = document.querySelector('#users-table tbody');
const message = document.getElementById('admin-message');
const search = document.getElementById('admin-search');
const { apiUrl, spawnUrl } = admin.dataset;
const may = (what) => admin.hasAttribute(`data-may-${what}`);

let offset = 0;
let round = 0;

// element makes an element with attributes and children; text stays text.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'onclick') made.addEventListener('click', value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

function say(text) {
  message.textContent = text;
  message.hidden = !text;
}

// ask calls the API and tells what it refused.
async function ask(method, path, body, accept) {
  let answer;
  if (method !== 'GET') say('');
  try {
    answer = await call(method, apiUrl + path, body, accept);
  } catch {
    say('The hub cannot be reached. Try again in a moment.');
    return undefined;
  }
  if (answer.ok) return answer;
  let reason = answer.statusText;
  try {
    reason = (await answer.json()).message || reason;
  } catch {
    // The status has to do.
  }
  say(reason || `Error ${answer.status}`);
  return undefined;
}

function userPath(name) { return `users/${encodeURIComponent(name)}`; }

function serverPath(user, server) {
  return server ? `${userPath(user)}/servers/${encodeURIComponent(server)}` : `${userPath(user)}/server`;
}

// button does something to a user once at a time, and shows what came of it.
function button(text, label, kind, act) {
  const made = element('button', {
    type: 'button',
    class: `small ${kind}`.trim(),
    'aria-label': label,
    onclick: async () => {
      made.disabled = true;
      if (await act()) await show();
      made.disabled = false;
    },
  }, text);
  return made;
}

function stateOf(server) {
  if (server.pending === 'stop') return ['stopping', 'Stopping'];
  if (server.pending) return ['starting', 'Starting'];
  return server.ready ? ['running', 'Running'] : ['stopped', 'Stopped'];
}

function serverItem(user, server) {
  const [state, label] = stateOf(server);
  const of = server.name ? `server ${server.name} of ${user.name}` : `the server of ${user.name}`;
  const item = element('li', {}, element('span', { class: `state ${state}` }, label), ' ');
  if (server.name) item.append(element('bdi', {}, server.name), ' ');
  const address = webAddress(server.url);
  if (state === 'running' && address) {
    item.append(element('a', { class: 'button small', href: address, 'aria-label': `Open ${of}` }, 'Open'), ' ');
  }
  if (state === 'stopped' && may('start')) item.append(startControl(user, server, of), ' ');
  if (state !== 'stopped' && state !== 'stopping' && may('stop')) {
    item.append(button('Stop', `Stop ${of}`, 'danger', () => ask('DELETE', serverPath(user.name, server.name))));
  }
  return item;
}

// startControl leads to the form where options are asked for, else it starts.
function startControl(user, server, of) {
  if (admin.hasAttribute('data-asks')) {
    const path = [user.name, server.name].filter(Boolean).map(encodeURIComponent).join('/');
    return element('a', { class: 'button small', href: spawnUrl + path, 'aria-label': `Start ${of}` }, 'Start');
  }
  return button('Start', `Start ${of}`, '', () => ask('POST', serverPath(user.name, server.name)));
}

function serversOf(user) {
  const known = Object.values(user.servers ?? {});
  if (!known.some((server) => server.name === '')) known.unshift({ name: '', ready: false, pending: null });
  return known.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function userRow(user) {
  const groups = element('span', {}, user.groups?.length ? '' : element('span', { class: 'muted' }, 'None'));
  for (const [i, group] of (user.groups ?? []).entries()) groups.append(i ? ', ' : '', element('bdi', {}, group));
  const last = user.last_activity
    ? element('time', { datetime: user.last_activity }, user.last_activity)
    : 'Never';
  const actions = element('td', { class: 'row-actions' });
  if (may('edit')) actions.append(element('button', { type: 'button', class: 'small', 'aria-label': `Edit ${user.name}`, onclick: () => edit(user) }, 'Edit'));
  if (may('delete')) actions.append(button('Delete', `Delete ${user.name}`, 'danger', () => remove(user)));
  return element(
    'tr',
    { class: 'user-row', 'data-user': user.name },
    element('th', { scope: 'row', class: 'name' }, element('bdi', {}, user.name), user.admin ? ' ' : '', user.admin ? element('span', { class: 'badge' }, 'Admin') : ''),
    element('td', { 'data-label': 'Groups' }, groups),
    element('td', { 'data-label': 'Last active', class: 'time-col' }, last),
    element('td', { 'data-label': 'Servers' }, element('ul', { class: 'servers' }, ...serversOf(user).map((server) => serverItem(user, server)))),
    actions,
  );
}

function remove(user) {
  if (!window.confirm(`Delete the user ${user.name} with all servers and tokens?`)) return undefined;
  return ask('DELETE', userPath(user.name));
}

// show loads the present page of the list, and again while something is pending.
async function show() {
  round += 1;
  const mine = round;
  const query = new URLSearchParams({ include_stopped_servers: '', sort: 'name', offset, limit: pageSize });
  for (const [name, value] of new FormData(search)) if (value) query.set(name, value);
  const answer = await ask('GET', `users?${query}`, undefined, 'application/jupyterhub-pagination+json');
  const list = await answer?.json().catch(() => undefined);
  if (answer && !list) say('The hub gave no list of users. Load the page again.');
  if (!list || mine !== round) return;
  const { items, _pagination: pages } = list;
  if (!items.length && offset) {
    offset = Math.max(0, offset - pageSize);
    show();
    return;
  }
  const focused = document.activeElement?.getAttribute('aria-label');
  rows.replaceChildren(...items.map(userRow));
  localiseTimes(rows);
  if (focused) rows.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  document.getElementById('users-range').textContent = items.length
    ? `${offset + 1}–${offset + items.length} of ${pages.total}` : 'No user was found.';
  document.getElementById('users-previous').hidden = !offset;
  document.getElementById('users-next').hidden = !pages.next;
  if (rows.querySelector('.state.starting, .state.stopping')) {
    await sleep(refreshAfter);
    if (mine === round) show();
  }
}

function turn(by) {
  offset = Math.max(0, offset + by);
  show();
}

function edit(user) {
  const dialog = document.getElementById('edit-user');
  const form = document.getElementById('edit-user-form');
  form.elements.name.value = user.name;
  form.elements.admin.checked = user.admin;
  form.onsubmit = async () => {
    const wish = {};
    if (form.elements.name.value !== user.name) wish.name = form.elements.name.value;
    if (form.elements.admin.checked !== user.admin) wish.admin = form.elements.admin.checked;
    if (Object.keys(wish).length && await ask('PATCH', userPath(user.name), wish)) show();
  };
  dialog.showModal();
}

document.getElementById('edit-cancel')?.addEventListener('click', () => document.getElementById('edit-user').close());
document.getElementById('users-previous').addEventListener('click', () => turn(-pageSize));
document.getElementById('users-next').addEventListener('click', () => turn(pageSize));
search.addEventListener('submit', (event) => {
  event.preventDefault();
  const query = new URLSearchParams([...new FormData(search)].filter(([, value]) => value));
  window.history.replaceState(null, '', `${window.location.pathname}${query.size ? `?${query}` : ''}`);
  turn(-offset);
});
document.getElementById('add-users')?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  const usernames = form.elements.usernames.value.split(/\s+/).filter(Boolean);
  if (await ask('POST', 'users', { usernames, admin: form.elements.admin.checked })) {
    form.reset();
    show();
  }
});

admin.hidden = false;
show();
