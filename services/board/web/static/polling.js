// Polls the counts, and less often the pace and the milestones. Passes them on like messages of the stream.

import { words } from "./formats.js";

const POLL_MS = 4000;
const POLL_MS_MAX = 30000;
const REQUEST_MS_MAX = 10000;
const POLLS_PER_PACE = 4;
const BEHIND_MAX = 4; // after this many older answers in succession, the topics were created again

async function get(path, query) {
  const signal = AbortSignal.timeout(REQUEST_MS_MAX);
  const response = await fetch(`${path}?${new URLSearchParams(query)}`, { signal });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

const getJson = async (path, query) => (await get(path, query)).json();

// While no count changes, the board answers 304. The browser then gives the page its copy, whose body has the
// times of an earlier answer, with the headers of the 304, which has the newest.
async function getCounts(query) {
  const response = await get("/v1/counts", query);
  const counts = await response.json();
  const renewed = (name, time) => response.headers.get(name) ?? time;
  counts.as_of = renewed("Counts-As-Of", counts.as_of);
  if (counts.audit) counts.audit.checked_at = renewed("Counts-Audited-At", counts.audit.checked_at);
  return counts;
}

// `receive` returns false for counts that are older than those of the page.
export function makePoller({ scope, region, receive }) {
  let intervalMs = POLL_MS;
  let polledMs = -Infinity;
  let polling = false;
  let polls = 0;
  let behind = 0;

  async function poll() {
    const counts = await getCounts({ scope, down_to: "city" });
    behind = receive("snapshot", counts, counts.cut) ? 0 : behind + 1;
    if (behind >= BEHIND_MAX && counts.state !== "stale") location.reload();
    if (behind || polls++ % POLLS_PER_PACE) return;
    receive("pace", await getJson("/v1/pace", { scope, region, minutes: words.minutes_shown }), counts.cut);
    receive("milestones", await getJson("/v1/milestones", { scope, limit: words.milestones_shown }), counts.cut);
  }

  // Polls if nothing was received for a while, neither over the stream nor by a poll.
  return async (receivedMs) => {
    const nowMs = performance.now();
    if (polling || nowMs - Math.max(receivedMs, polledMs) < intervalMs) return;
    polling = true;
    polledMs = nowMs;
    try {
      await poll();
      intervalMs = POLL_MS;
    } catch {
      intervalMs = Math.min(intervalMs * 2, POLL_MS_MAX);
    }
    polling = false;
  };
}
