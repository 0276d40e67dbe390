// Opens the stream of server-sent events again after a network failure.
// Drops each event whose cut is older than the cut of the last event.

const SILENCE_MS = 7000; // the board sends an event at least every two seconds
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 30000;
const EVENTS = ["snapshot", "delta", "state", "milestone"];

const version = (id) => id.split(".").map(Number);
const older = ([term, cut], [lastTerm, lastCut]) => term < lastTerm || (term === lastTerm && cut < lastCut);

export function follow({ scope, after, onEvent, onSilence, onOpen }) {
  let lastId = after;
  let retryMs = RETRY_MS_MIN;
  let source = null;
  let receivedMs = performance.now();

  function open() {
    const query = new URLSearchParams({ scope, down_to: "city", ...(lastId && { after: lastId }) });
    source = new EventSource(`/v1/stream?${query}`);
    source.onopen = () => { retryMs = RETRY_MS_MIN; receivedMs = performance.now(); onOpen(); };
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) reconnect(); };
    for (const name of EVENTS) source.addEventListener(name, receive);
  }

  function receive(event) {
    receivedMs = performance.now();
    if (lastId && older(version(event.lastEventId), version(lastId))) return;
    lastId = event.lastEventId;
    onEvent(event.type, JSON.parse(event.data));
  }

  function reconnect() {
    source.close();
    setTimeout(open, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  }

  setInterval(() => {
    if (performance.now() - receivedMs > SILENCE_MS) onSilence();
  }, 1000);
  open();
}
