// Polls the counts, and less often the pace and the milestones. Passes them on like messages of the stream.

import { words } from "./formats.js";

const POLL_MS = 4000;
const POLL_MS_MAX = 30000;
const REQUEST_MS_MAX = 10000;
const POLLS_PER_PACE = 4;
const BEHIND_MAX = 4; // after this many older answers in succession, the topics were created again

async function getJson(path, query) {
  const signal = AbortSignal.timeout(REQUEST_MS_MAX);
  const response = await fetch(`${path}?${new URLSearchParams(query)}`, { signal });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

// `receive` returns false for counts that are older than those of the page.
export function makePoller({ scope, region, receive }) {
  let intervalMs = POLL_MS;
  let polledMs = -Infinity;
  let polling = false;
  let polls = 0;
  let behind = 0;

  async function poll() {
    const counts = await getJson("/v1/counts", { scope, down_to: "city" });
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
