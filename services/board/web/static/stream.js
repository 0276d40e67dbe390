// Follows the counts over the stream. Drops each message whose cut is older than the cut of the last one.
//
// A stream that breaks or falls silent is replaced, and at once when the device wakes up. While streams fail,
// the page polls. A hidden page has no stream, because over HTTP/1.1 all tabs of a browser share six connections.

import { makePoller } from "./polling.js";

const SILENCE_MS = 7000; // the board sends an event at least every three seconds
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 30000;
const PROVEN_MS = 4000; // a stream works if an event arrives this long after its opening
const NEW_MS = 500; // a wake-up does not replace a stream that is newer than this
const FAILURES_MAX = 2; // after this many failed streams in succession, the page polls
const EVENTS = ["snapshot", "delta", "state", "pace", "milestones", "reset", "ping"];

const version = (id) => id.split(".").map(Number);
const older = ([term, cut], [lastTerm, lastCut]) => term < lastTerm || (term === lastTerm && cut < lastCut);

export function follow({ scope, region, after, onMessage, onSilence }) {
  let lastId = after;
  let source = null;
  let retry = null;
  let failures = 0;
  let openedMs = -Infinity;
  let heardMs = 0; // when this stream sent its last event, even a ping
  let receivedMs = performance.now(); // when the last message arrived over a stream or by a poll
  const pollIfDue = makePoller({ scope, region, receive });

  function open() {
    close();
    if (document.hidden) {
      onSilence();
      return;
    }
    openedMs = heardMs = performance.now();
    const query = new URLSearchParams({ scope, down_to: "city", ...(lastId && { after: lastId }) });
    source = new EventSource(`/v1/stream?${query}`);
    source.onerror = fail;
    for (const name of EVENTS) source.addEventListener(name, hear);
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  function fail() {
    close();
    const delayMs = Math.min(RETRY_MS_MIN * 2 ** failures, RETRY_MS_MAX);
    failures += 1;
    retry = setTimeout(open, delayMs * (0.5 + Math.random()));
  }

  function hear(event) {
    heardMs = performance.now();
    if (heardMs - openedMs > PROVEN_MS) failures = 0;
    if (event.type === "reset") lastId = event.lastEventId; // the whole state follows
    else if (event.type !== "ping") receive(event.type, JSON.parse(event.data), event.lastEventId);
  }

  function receive(name, data, id) {
    if (lastId && older(version(id), version(lastId))) return false;
    lastId = id;
    receivedMs = performance.now();
    onMessage(name, data);
    return true;
  }

  function wake() {
    if (document.hidden || performance.now() - openedMs > NEW_MS) open();
  }

  function check() {
    if (document.hidden) return;
    const nowMs = performance.now();
    if (source && nowMs - heardMs > SILENCE_MS) fail();
    if (nowMs - receivedMs > SILENCE_MS) onSilence();
    if (failures >= FAILURES_MAX) pollIfDue(receivedMs);
  }

  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
  setInterval(check, 1000);
  open();
}
