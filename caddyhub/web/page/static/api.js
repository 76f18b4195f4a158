// Calls to the hub's REST API, signed with the token of the page.

const { xsrf } = document.body.dataset;

// call sends body as JSON, if there is one. accept is what is asked for.
export function call(method, url, body, accept = 'application/json') {
  return fetch(url, {
    method,
    credentials: 'same-origin',
    headers: {
      'X-XSRFToken': xsrf,
      Accept: accept,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

// withXSRF is for requests that cannot have headers, such as an EventSource.
export function withXSRF(url) {
  const signed = new URL(url, window.location.href);
  signed.searchParams.set('_xsrf', xsrf);
  return signed.href;
}

// webAddress is url if a page may go there, else nothing.
export function webAddress(url) {
  if (!url) return undefined;
  try {
    const target = new URL(url, window.location.href);
    return ['http:', 'https:'].includes(target.protocol) ? target.href : undefined;
  } catch {
    return undefined;
  }
}

export function sleep(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}
