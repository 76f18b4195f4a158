// Times: the server writes them in UTC, here they become local, near ones as
// "5 minutes ago". The exact time stays in the title.

const units = [['day', 86400], ['hour', 3600], ['minute', 60]];
const near = 30 * 86400;

const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

function words(seconds) {
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return seconds > 0 ? 'in less than a minute' : 'just now';
}

export function localiseTimes(root) {
  for (const element of root.querySelectorAll('time[datetime]')) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const seconds = (date - Date.now()) / 1000;
    element.title = exact.format(date);
    element.textContent = Math.abs(seconds) < near ? words(seconds) : exact.format(date);
  }
}
