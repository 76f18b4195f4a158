// Pages that move on by themselves: load again after a while, or go elsewhere.

import { webAddress } from './api.js';

for (const element of document.querySelectorAll('[data-reload-after]')) {
  setTimeout(() => { window.location.reload(); }, Number(element.dataset.reloadAfter));
}

for (const element of document.querySelectorAll('[data-go-after]')) {
  const target = webAddress(element.dataset.goUrl);
  if (target) setTimeout(() => { window.location.assign(target); }, Number(element.dataset.goAfter));
}
