// Updates the numbers of the page that the server rendered.

import { follow } from "./stream.js";
import { clock, dated, duration, fill, htmlTime, moment, number, share, shortClock, signed, span, words } from "./formats.js";

const ANNOUNCE_MS = 30000; // the interval at which a screen reader announces a changed total
const BAR_SCALE_MIN = 1.25;
const MINUTE_MS = 60000;
const PROVINCE = "31";

const { scope, cut } = document.body.dataset;
const element = (id) => document.getElementById(id);
const setText = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };

const rows = new Map([...element("rows").children].map((row) => [row.dataset.region, row]));
const counts = new Map([[PROVINCE, element("total")], ...rows]
  .filter(([, node]) => node.dataset.count !== "")
  .map(([code, node]) => [code, Number(node.dataset.count)]));
let head = null;
let drawScheduled = false;
// When the counts were last live, by the page's monotonic clock; null if that is unknown.
let liveMs = document.body.dataset.age === "" ? null : performance.now() - 1000 * document.body.dataset.age;

function draw() {
  drawScheduled = false;
  drawTotal();
  drawRegions();
  if (head) drawHead();
}

function scheduleDraw() {
  if (!drawScheduled) requestAnimationFrame(draw);
  drawScheduled = true;
}

function drawTotal() {
  const count = counts.get(PROVINCE);
  if (count === undefined) return;
  setText(element("total"), number(count));
  element("total").classList.toggle("long", element("total").textContent.length > 7);
  const bar = element("total-bar");
  if (!bar) return;
  const target = Number(bar.dataset.target);
  drawBar(bar, count, target, Math.max(BAR_SCALE_MIN, (count / target) * 1.08));
  setText(element("goal"), fill(words.of_target, share(count, target, 1), number(target)));
  setText(element("distance"), fill(count >= target ? words.above : words.below, number(Math.abs(count - target))));
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
      setText(cell, text);
      flash(row);
    }
    const target = Number(row.dataset.target);
    if (!target) continue;
    setText(row.querySelector(".share"), share(count, target, 1));
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
    element("as-of").dateTime = htmlTime(head.as_of);
    setText(element("as-of"), fill(words.per, dated(head.as_of)));
  }
  setText(element("coverage"), head.coverage === null ? words.dash : share(head.coverage, 1, 2));
  element("ignored-fact").hidden = !head.ignored;
  setText(element("ignored"), number(head.ignored));
  drawGrowth(head.growth);
  drawAudit(head.audit);
  setText(element("cut"), head.cut);
}

// The drift is null if the last audit is too old to be evidence for the counts.
function drawAudit(audit) {
  const drift = audit?.drift == null ? null : audit.drift + (audit.growth_drift ?? 0);
  setText(element("drift"), drift === null ? words.dash : number(drift));
  element("drift").classList.toggle("wrong", drift !== 0);
  const checked = drift === null ? fill(words.unchecked_since, dated(audit?.checked_at ?? 0)) : fill(words.checked, clock(audit.checked_at));
  setText(element("checked"), audit ? checked : words.unchecked);
}

// Dates the counts. The band shows only while the counts are stale.
function drawAge() {
  const asOf = element("as-of").dateTime;
  if (!asOf) return;
  setText(element("old"), fill(words.old, fill(words.per, dated(asOf))));
  if (liveMs !== null) setText(element("ago"), fill(words.ago, duration((performance.now() - liveMs) / 1000)));
}

function showState(state) {
  document.body.dataset.state = state;
  if (state === "live") liveMs = performance.now();
  if (state === "stale") drawAge();
  document.title = state === "stale" ? words.title : `${element("total").textContent} · ${words.title}`;
  setText(element("state-word"), words[state]);
  setText(element("note"), words[`${state}_note`]);
}

function onMessage(name, data) {
  if (name === "milestones") drawMilestones(data.milestones);
  else if (name === "pace") drawChart(data);
  else takeCounts(name, data);
}

function takeCounts(name, data) {
  head = { ...data, rows: undefined };
  if (name === "snapshot") for (const code of counts.keys()) counts.set(code, 0);
  for (const row of data.rows ?? []) counts.set(row.region, row.counts.registered);
  // If a city was unknown when the page was rendered, the table has no row for it. Load the page again.
  if (data.rows?.some((row) => row.level === "city" && !rows.has(row.region))) location.reload();
  scheduleDraw();
}

function onSilence() {
  head = null; // a draw that is still scheduled must not show the former state
  showState("stale");
}

function drawMilestones(milestones) {
  if (milestones.length) {
    element("milestones").replaceChildren(...milestones.map(milestoneLine));
    return;
  }
  const none = document.createElement("li");
  none.className = "none";
  none.textContent = words.no_milestones;
  element("milestones").replaceChildren(none);
}

function milestoneLine(milestone) {
  const step = milestone.measure.replace("step:", "");
  const measure = step === "registered" ? words.registered : fill(words.step, step);
  const line = document.createElement("li");
  const text = document.createElement("span");
  const time = document.createElement("time");
  const name = words.names[milestone.region] ?? milestone.name;
  text.textContent = fill(words.reached, name, number(milestone.threshold), measure);
  time.textContent = moment(milestone.crossed_at, head?.as_of ?? Date.now());
  time.dateTime = htmlTime(milestone.crossed_at);
  if (milestone.state === "retracted") {
    line.className = "retracted";
    const retracted = document.createElement("em");
    retracted.textContent = ` (${words.retracted})`;
    text.append(retracted);
  }
  line.append(text, " ", time);
  return line;
}

// The growth belongs to the cut of the counts, and is drawn with them.
function drawGrowth({ stock, today, pace, next, forecast }) {
  element("stock").hidden = !stock;
  setText(element("stock"), fill(words.stock, number(stock)));
  setText(element("today"), today === null ? words.dash : signed(today));
  setText(element("pace-title"), pace ? fill(words.pace, pace.minutes, shortClock(pace.until)) : words.pace_unknown);
  setText(element("pace"), pace ? fill(words.per_minute, number(Math.round(pace.per_minute))) : words.dash);
  setText(element("towards"), next === null ? words.no_next : fill(words.towards, number(next)));
  const unknown = next === null ? words.dash : words.unknown_eta;
  setText(element("eta"), forecast ? range(forecast) : unknown);
}

function range({ from, to }) {
  const times = span(from, to);
  return times.includes("–") ? times : fill(words.about, times);
}

// The chart ends with a minute. The time of its end is always shown, because the counts are newer.
function drawChart({ minutes, late }) {
  const growth = minutes.map(([, count]) => count);
  const highest = Math.max(...growth, 1);
  growth.forEach((count, index) => {
    const height = (Math.max(0, count) / highest) * 100;
    const rect = element("spark").querySelectorAll("rect")[index];
    rect.setAttribute("y", (100 - height).toFixed(1));
    rect.setAttribute("height", height.toFixed(1));
    rect.classList.toggle("late", late.includes(minutes[index][0]));
  });
  element("late-note").hidden = !late.length;
  setText(element("until"), fill(words.until, shortClock(Date.parse(minutes.at(-1)[0]) + MINUTE_MS)));
}

follow({
  scope,
  region: PROVINCE,
  after: cut,
  onMessage,
  onSilence,
});

setInterval(() => { if (document.body.dataset.state === "stale") drawAge(); }, 1000);

let announced = element("total").textContent;
setInterval(() => {
  const total = element("total").textContent;
  if (total !== announced) setText(element("announcement"), `${total} ${words.registered}`);
  announced = total;
}, ANNOUNCE_MS);
