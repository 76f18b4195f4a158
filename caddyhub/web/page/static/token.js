// After a token was made, loading the page again must not make another one:
// the history entry of the post becomes one of a plain visit.

const issued = document.getElementById('token-area');

if (issued) {
  window.history.replaceState(null, '', window.location.href);
  issued.scrollIntoView({ block: 'nearest' });
}
