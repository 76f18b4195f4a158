// What a page can try on the server of somebody else. Every attack gives what it
// got hold of as a text, or throws. The same page on the victim's own server shows
// that each of them works where nothing stands in its way.

const victim = '/user/ada/';
// What is written bears the name of whose page it was.
const who = location.pathname.split('/')[2];
const visitorToken = 'VISITOR_TOKEN';
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// Tokens are all that a page finds, wherever it looks.
async function tokens() {
  const found = new Set();
  const look = () => {
    for (const match of document.cookie.matchAll(/(?:^|; )_xsrf=([^;]*)/g)) found.add(match[1]);
  };
  look();
  const here = location.href;
  for (const path of [victim, victim + 'lab', '/hub/', '/hub/home']) {
    history.pushState(null, '', path);
    look();
  }
  history.pushState(null, '', here);
  for (const name of ['_xsrf']) {
    for (const cookie of await cookieStore.getAll(name)) found.add(cookie.value);
  }
  return [...found];
}

// answered is the first good answer that one of the tokens gets, or none.
async function answered(send) {
  const refusals = [];
  for (const token of ['', ...await tokens()]) {
    const answer = await send(token);
    if (answer.ok) return answer;
    refusals.push(answer.status);
  }
  throw new Error('refused: ' + refusals);
}

const withToken = (path, token) => victim + path + (path.includes('?') ? '&' : '?') + '_xsrf=' + encodeURIComponent(token);
const secret = 'api/contents/secret.txt?content=1';
// An app on the victim's server that says nothing about frames, unlike Jupyter's own.
const app = victim + 'hostile/page.html';

const reads = (options) => async () => (await answered((token) => fetch(withToken(secret, token), options))).text();

const writes = (method, path, body, extra = {}) => async () => (await answered((token) =>
  fetch(victim + path, { method, body, headers: { 'X-XSRFToken': token, 'Content-Type': 'application/json', ...extra } }))).text();

const script = (url, attributes = {}) => new Promise((done, failed) => {
  const element = Object.assign(document.createElement('script'), { src: url, ...attributes });
  element.onload = done;
  element.onerror = () => failed(new Error('not loaded'));
  document.head.append(element);
});

const picture = async (url) => {
  const image = new Image();
  await new Promise((done, failed) => { image.onload = done; image.onerror = () => failed(new Error('not loaded')); image.src = url; });
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return 'pixels ' + context.getImageData(0, 0, 1, 1).data.join(' ');
};

// firstWorking tries an address without a token and with each that was found.
async function firstWorking(path, attempt) {
  let last;
  for (const url of [victim + path, ...(await tokens()).map((token) => withToken(path, token))]) {
    try { return await attempt(url); } catch (error) { last = error; }
  }
  throw last;
}

const framed = (make) => async () => {
  const frame = make();
  let loaded = false;
  frame.addEventListener('load', () => { loaded = true; });
  document.body.append(frame);
  let text = '';
  for (let i = 0, late = 0; i < 100 && late < 10; i++) {
    await wait(50);
    text = frame.contentDocument?.body?.innerText ?? '';
    if (text) return text;
    if (loaded) late++;
  }
  throw new Error('nothing to read in the frame');
};

const frame = (url, attributes = {}) => framed(() => Object.assign(document.createElement('iframe'), { src: url, ...attributes }));

const windowed = (url) => async () => {
  const opened = window.open(url);
  for (let i = 0; i < 60; i++) {
    await wait(50);
    if (opened.closed) throw new Error('no hold on the window');
    if (opened.location.href !== 'about:blank' && opened.document.readyState === 'complete') {
      const seen = opened.document.cookie + ' ' + opened.document.body.innerText;
      opened.close();
      return seen;
    }
  }
  throw new Error('nothing opened');
};

const socket = (path, use) => () => new Promise((done, failed) => {
  const ws = new WebSocket(location.origin.replace(/^http/, 'ws') + victim + path);
  ws.onerror = () => failed(new Error('refused'));
  ws.onopen = () => use ? use(ws, done) : done('open');
  setTimeout(() => failed(new Error('silence')), 20000);
});

const typeInto = (command, sign) => (ws, done) => {
  let heard = '';
  const typing = setInterval(() => ws.send(JSON.stringify(['stdin', command + '\r'])), 2000);
  ws.send(JSON.stringify(['stdin', command + '\r']));
  ws.onmessage = (message) => {
    const [kind, text] = JSON.parse(message.data);
    if (kind !== 'stdout') return;
    heard += text;
    if (heard.includes(sign)) { clearInterval(typing); done(heard); }
  };
};

// A form goes into a window of its own, or it would take this page away.
const form = (enctype, path) => async () => {
  for (const token of ['', ...await tokens()]) {
    const element = Object.assign(document.createElement('form'), { method: 'POST', enctype, action: withToken(path, token), target: '_blank' });
    element.append(Object.assign(document.createElement('input'), { name: '_xsrf', value: token }));
    document.body.append(element);
    element.submit();
    await wait(300);
  }
  return 'sent';
};

const worker = (url) => new Promise((done, failed) => {
  const source = URL.createObjectURL(new Blob([`fetch('${location.origin}${url}').then(a => a.ok ? a.text() : Promise.reject(a.status)).then(t => postMessage(t), e => postMessage('refused ' + e))`]));
  const started = new Worker(source);
  started.onmessage = (message) => message.data.startsWith('refused') ? failed(new Error(message.data)) : done(message.data);
  started.onerror = (error) => failed(error);
});

const attacks = {
  'fetch, cors': reads({ mode: 'cors' }),
  'fetch, cors, include': reads({ mode: 'cors', credentials: 'include' }),
  'fetch, same-origin': reads({ mode: 'same-origin', credentials: 'same-origin' }),
  'fetch, no-cors': reads({ mode: 'no-cors', credentials: 'include' }),
  'fetch, forged referrer': reads({ referrer: victim + 'lab', referrerPolicy: 'unsafe-url' }),
  'fetch, no referrer': reads({ referrerPolicy: 'no-referrer' }),
  'fetch after pushState': async () => {
    history.pushState(null, '', victim + 'lab');
    return reads({})();
  },
  'XMLHttpRequest': async () => (await answered((token) => new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open('GET', victim + secret);
    request.setRequestHeader('X-XSRFToken', token);
    request.onloadend = () => done({ ok: request.status === 200, status: request.status, text: () => request.responseText });
    request.send();
  }))).text(),
  'fetch in a worker': () => firstWorking(secret, worker),
  'token of the visit': async () => (await answered(() => fetch(victim + secret, { headers: { Authorization: visitorToken } }))).text(),
  'listing': async () => (await answered((token) => fetch(withToken('api/contents', token)))).text(),
  'terminals': async () => (await answered((token) => fetch(withToken('api/terminals', token)))).text(),

  'PUT': writes('PUT', `api/contents/put-by-${who}.txt`, '{"type":"file","format":"text","content":"x"}'),
  'POST': writes('POST', 'api/contents', `{"type":"file","ext":".post-by-${who}"}`),
  'POST, keepalive': async () => (await answered((token) => fetch(withToken('api/contents', token),
    { method: 'POST', keepalive: true, body: `{"type":"file","ext":".keepalive-by-${who}"}` }))).text(),
  'PATCH': writes('PATCH', `api/contents/patch-${who}.txt`, `{"path":"patched-by-${who}.txt"}`),
  'DELETE': writes('DELETE', `api/contents/delete-${who}.txt`),
  'method override': writes('POST', 'api/contents', `{"type":"file","ext":".override-by-${who}"}`, { 'X-HTTP-Method-Override': 'GET' }),
  'beacon': async () => {
    for (const token of ['', ...await tokens()]) {
      navigator.sendBeacon(withToken('api/contents', token), `{"type":"file","ext":".beacon-by-${who}"}`);
    }
    return 'sent';
  },
  'form, urlencoded': form('application/x-www-form-urlencoded', `api/contents/urlencoded-${who}.txt/checkpoints`),
  'form, multipart': form('multipart/form-data', `api/contents/multipart-${who}.txt/checkpoints`),
  'form, text': form('text/plain', `api/contents/text-${who}.txt/checkpoints`),

  'picture': () => firstWorking('files/secret.png', picture),
  'script': () => firstWorking('files/secret.js', async (url) => {
    delete self.secretOfAda;
    await script(url);
    return self.secretOfAda.toString();
  }),
  'module': () => firstWorking('files/secret.js', async (url) => {
    delete self.secretOfAda;
    await import(location.origin + url);
    return self.secretOfAda.toString();
  }),
  'style': () => firstWorking('files/secret.css', async (url) => {
    const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: url });
    await new Promise((done, failed) => { link.onload = done; link.onerror = () => failed(new Error('not loaded')); document.head.append(link); });
    return [...link.sheet.cssRules].map((rule) => rule.cssText).join();
  }),

  'frame': frame(app),
  'frame of the hub': frame('/hub/home'),
  'frame, redirected': frame('redirector?redirect=' + encodeURIComponent(app)),
  'frame, moved by script': framed(() => {
    const element = document.createElement('iframe');
    element.srcdoc = `<script>location.replace(${JSON.stringify(location.origin + app)})</scr` + 'ipt>';
    return element;
  }),
  'frame after document.domain': async () => {
    try { document.domain = location.hostname; } catch { /* this browser has done away with it */ }
    return frame(app)();
  },
  'object': framed(() => Object.assign(document.createElement('object'), { data: app, type: 'text/html' })),
  'cookie of a frame': async () => {
    await frame(app)();
    return document.querySelector('iframe').contentDocument.cookie;
  },

  'window': windowed(victim + secret),
  'window of a refusal': windowed(victim + 'api/%00'),
  'window of the hub': windowed('/hub/home'),
  'window of the API': windowed('/hub/api/user'),

  'WebSocket to a terminal': socket('terminals/websocket/1', typeInto(`touch terminal-by-${who}; echo do""ne`, 'done')),
  'WebSocket to a kernel': socket('api/kernels/KERNEL/channels'),
  'WebSocket to events': socket('api/events/subscribe'),
  'WebSocket in a worker': () => new Promise((done, failed) => {
    const source = `const ws = new WebSocket('${location.origin.replace(/^http/, 'ws')}${victim}api/events/subscribe'); ws.onopen = () => postMessage('open'); ws.onerror = () => postMessage('refused')`;
    const started = new Worker(URL.createObjectURL(new Blob([source])));
    started.onmessage = (message) => message.data === 'open' ? done('open') : failed(new Error('refused'));
    started.onerror = () => failed(new Error('no worker'));
    setTimeout(() => failed(new Error('silence')), 10000);
  }),
  'WebSocket in a blank frame': async () => {
    const blank = document.createElement('iframe');
    document.body.append(blank);
    return new Promise((done, failed) => {
      const ws = new blank.contentWindow.WebSocket(location.origin.replace(/^http/, 'ws') + victim + 'api/events/subscribe');
      ws.onopen = () => done('open');
      ws.onerror = () => failed(new Error('refused'));
    });
  },
  'WebSocket in a blank window': async () => {
    const blank = window.open('about:blank');
    return new Promise((done, failed) => {
      const ws = new blank.WebSocket(location.origin.replace(/^http/, 'ws') + victim + 'api/events/subscribe');
      ws.onopen = () => done('open');
      ws.onerror = () => failed(new Error('refused'));
    });
  },

  'worker of the victim': () => firstWorking('files/secret.js', (url) => new Promise((done, failed) => {
    const started = new Worker(url);
    started.onerror = () => failed(new Error('refused'));
    started.onmessage = (message) => done(message.data);
  })),
  'service worker': async () => {
    const registration = await navigator.serviceWorker.register('worker.js');
    await registration.unregister();
    return 'registered for ' + registration.scope;
  },
  'service worker of everything': async () => {
    const registration = await navigator.serviceWorker.register('worker.js?header=' + encodeURIComponent('Service-Worker-Allowed:/'), { scope: '/' });
    await registration.unregister();
    return 'registered for ' + registration.scope;
  },
};

// toss puts cookies where the victim's server gets them, with values of this page's
// own, and more of them than anybody has asked for.
async function toss(many) {
  const [own] = await tokens();
  for (const path of ['/', victim, victim + 'api', victim + 'api/contents', victim + 'api/contents/secret.txt']) {
    for (const name of ['_xsrf', 'jupyterhub-session-id', 'jupyterhub-user-ada', 'username-localhost']) {
      document.cookie = `${name}=${own}; path=${path}`;
    }
  }
  for (let i = 0; i < many; i++) document.cookie = `crumb${i}=x; path=/user/${who}/`;
  return document.cookie.length;
}

// cached is what the cache of the browser has, or whatever answers else.
async function cached(path, cache) {
  try {
    const answer = await fetch(path, { cache, mode: 'same-origin' });
    return answer.ok ? { Loot: await answer.text() } : { Refused: String(answer.status) };
  } catch (error) {
    return { Refused: String(error) };
  }
}

// run tries one attack and says what came of it.
async function run(name) {
  try {
    return { Loot: String(await Promise.race([attacks[name](), wait(15000).then(() => { throw new Error('nothing comes of it'); })])) };
  } catch (error) {
    return { Refused: String(error) };
  } finally {
    history.replaceState(null, '', home);
  }
}
const home = location.href;
