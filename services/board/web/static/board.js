// Takes the page as the server sent it, and keeps its numbers moving.

import { follow } from "./stream.js";
import { clock, dated, fill, moment, number, share, signed, words } from "./wording.js";

const ANNOUNCE_MS = 30000; // a screen reader hears the total this often, and only if it moved
const PACE_MS = 15000;
const ASK_MS_MAX = 10000;
const BAR_SCALE_MIN = 1.25;
const PROVINCE = "31";

const { scope, cut } = document.body.dataset;
const at = (id) => document.getElementById(id);
const write = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };

const rows = new Map([...at("rows").children].map((row) => [row.dataset.region, row]));
const counts = new Map([[PROVINCE, at("total")], ...rows]
  .filter(([, node]) => node.dataset.count !== "")
  .map(([code, node]) => [code, Number(node.dataset.count)]));
let head = null;
let drawing = false;

function draw() {
  drawing = false;
  drawTotal();
  drawRegions();
  if (head) drawHead();
}

function drawSoon() {
  if (!drawing) requestAnimationFrame(draw);
  drawing = true;
}

function drawTotal() {
  const count = counts.get(PROVINCE);
  if (count === undefined) return;
  write(at("total"), number(count));
  at("total").classList.toggle("long", at("total").textContent.length > 7);
  document.title = `${number(count)} · ${words.title}`;
  const bar = at("total-bar");
  if (!bar) return;
  const target = Number(bar.dataset.target);
  drawBar(bar, count, target, Math.max(BAR_SCALE_MIN, (count / target) * 1.08));
  write(at("goal"), fill(words.of_target, share(count, target, 1), number(target)));
  write(at("distance"), fill(count >= target ? words.above : words.below, number(Math.abs(count - target))));
}

function drawRegions() {
  const shares = [...rows].map(([code, row]) => Number(row.dataset.target) && (counts.get(code) ?? 0) / row.dataset.target);
  const scale = Math.max(BAR_SCALE_MIN, ...shares.map((part) => part * 1.08));
  for (const [code, row] of rows) {
    const count = counts.get(code);
    if (count === undefined) continue;
    const cell = row.querySelector(".count");
    const text = number(count);
    if (cell.textContent !== text) {
      write(cell, text);
      flash(row);
    }
    const target = Number(row.dataset.target);
    if (!target) continue;
    write(row.querySelector(".share"), share(count, target, 1));
    drawBar(row.querySelector(".bar"), count, target, scale);
  }
}

function drawBar(bar, count, target, scale) {
  const filled = Math.min(100, Math.max(0, (count / target / scale) * 100));
  bar.querySelector(".fill").setAttribute("width", filled.toFixed(2));
  bar.querySelector(".mark").setAttribute("x", (100 / scale).toFixed(2));
}

function flash(row) {
  if (row.classList.contains("moved")) return;
  row.classList.add("moved");
  setTimeout(() => row.classList.remove("moved"), 1200);
}

function drawHead() {
  showState(head.state);
  if (head.as_of) {
    at("as-of").dateTime = head.as_of;
    write(at("as-of"), fill(words.per, dated(head.as_of)));
  }
  write(at("coverage"), head.coverage === null ? words.dash : share(head.coverage, 1, 2));
  write(at("drift"), head.audit ? number(head.audit.drift) : words.dash);
  at("drift").classList.toggle("wrong", Boolean(head.audit?.drift));
  write(at("checked"), head.audit ? fill(words.checked, clock(head.audit.checked_at)) : words.unchecked);
  write(at("cut"), head.cut);
}

function showState(state) {
  document.body.dataset.state = state;
  write(at("state-word"), words[state]);
  write(at("note"), words[`${state}_note`]);
}

function take(kind, data) {
  if (kind === "milestone") {
    refreshMilestones();
    return;
  }
  head = { ...data, rows: undefined };
  for (const row of data.rows ?? []) counts.set(row.region, row.counts.registered);
  // A region that no list knew when the page was sent has no row yet: ask for the page anew.
  if (data.rows?.some((row) => row.level === "city" && !rows.has(row.region))) location.reload();
  drawSoon();
}

async function ask(path) {
  const signal = AbortSignal.timeout(ASK_MS_MAX);
  // "no-store": a second request within the answer's max-age would get the old list from the browser cache.
  const answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store", signal });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// One at a time, and once more where it was asked for meanwhile: an old answer never comes after a newer one.
function oneAtATime(work) {
  let running = false;
  let wanted = false;
  return async () => {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted) {
      wanted = false;
      await work().catch(() => {}); // the next milestone, or the next stream, asks again
    }
    running = false;
  };
}

const refreshMilestones = oneAtATime(async () => {
  const query = new URLSearchParams({ scope, limit: words.milestones_shown });
  const { milestones } = await ask(`/v1/milestones?${query}`);
  if (milestones.length) at("milestones").replaceChildren(...milestones.map(milestoneLine));
});

function milestoneLine(milestone) {
  const step = milestone.measure.replace("step:", "");
  const measure = step === "registered" ? words.registered : fill(words.step, step);
  const line = document.createElement("li");
  const text = document.createElement("span");
  const time = document.createElement("time");
  const name = words.names[milestone.region] ?? milestone.name;
  text.textContent = fill(words.reached, name, number(milestone.threshold), measure);
  time.textContent = moment(milestone.crossed_at, head?.as_of ?? Date.now());
  time.dateTime = milestone.crossed_at;
  if (milestone.state === "retracted") {
    line.className = "retracted";
    const retracted = document.createElement("em");
    retracted.textContent = ` (${words.retracted})`;
    text.append(retracted);
  }
  line.append(text, " ", time);
  return line;
}

async function refreshPace() {
  if (document.hidden) return;
  const pace = await ask(`/v1/pace?${new URLSearchParams({ scope, region: PROVINCE, minutes: 60 })}`);
  const growth = pace.minutes.map(([, count]) => count);
  const highest = Math.max(...growth, 1);
  const now = pace.minutes.at(-1)[0];
  growth.forEach((count, index) => {
    const height = (Math.max(0, count) / highest) * 100;
    const rect = at("spark").querySelectorAll("rect")[index];
    rect.setAttribute("y", (100 - height).toFixed(1));
    rect.setAttribute("height", height.toFixed(1));
  });
  write(at("today"), signed(pace.today));
  const recent = growth.slice(-16, -1).reduce((sum, count) => sum + count, 0) / 15;
  write(at("pace"), fill(words.per_minute, number(Math.round(recent))));
  write(at("towards"), fill(words.towards, number(pace.threshold)));
  write(at("eta"), pace.eta ? fill(words.about, moment(pace.eta.at, now)) : words.unknown_eta);
}

const quietly = (work) => () => work().catch(() => {}); // the next round tries again; silence shows as stale

follow({
  scope,
  after: cut,
  onEvent: take,
  onOpen: quietly(async () => { await Promise.all([refreshMilestones(), refreshPace()]); }),
  onSilence: () => showState("stale"),
});
setInterval(quietly(refreshPace), PACE_MS);

let announced = at("total").textContent;
setInterval(() => {
  const total = at("total").textContent;
  if (total !== announced) write(at("announcement"), `${total} ${words.registered}`);
  announced = total;
}, ANNOUNCE_MS);
