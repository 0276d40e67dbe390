// Keeps one stream open, whatever the network does, and never hands on what is older than what was shown.

const SILENCE_MS = 7000; // the board speaks at least every two seconds
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 30000;
const EVENTS = ["snapshot", "delta", "state", "milestone"];

const version = (id) => id.split(".").map(Number);
const older = ([term, cut], [ownTerm, ownCut]) => term < ownTerm || (term === ownTerm && cut < ownCut);

export function follow({ scope, after, onEvent, onSilence, onOpen }) {
  let last = after;
  let retryMs = RETRY_MS_MIN;
  let source = null;
  let heard = performance.now();

  function open() {
    const query = new URLSearchParams({ scope, down_to: "city", ...(last && { after: last }) });
    source = new EventSource(`/v1/stream?${query}`);
    source.onopen = () => { retryMs = RETRY_MS_MIN; heard = performance.now(); onOpen(); };
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) again(); };
    for (const name of EVENTS) source.addEventListener(name, take);
  }

  function take(event) {
    heard = performance.now();
    if (last && older(version(event.lastEventId), version(last))) return;
    last = event.lastEventId;
    onEvent(event.type, JSON.parse(event.data));
  }

  function again() {
    source.close();
    setTimeout(open, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  }

  setInterval(() => {
    if (performance.now() - heard > SILENCE_MS) onSilence();
  }, 1000);
  open();
}
