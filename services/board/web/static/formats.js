// Formats numbers, shares and times exactly as the server does.

const HALF_A_MINUTE_MS = 30000;

export const words = JSON.parse(document.body.dataset.words);
const indonesian = document.documentElement.lang === "id";
const locale = indonesian ? "id-ID" : "en-GB";
const whole = new Intl.NumberFormat(indonesian ? "id-ID" : "en-US");
const parts = new Intl.DateTimeFormat(locale, {
  timeZone: "Asia/Jakarta", hourCycle: "h23",
  day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

export const fill = (text, ...values) => values.reduce((filled, value) => filled.replace(/\{\w*\}/, value), text);
export const number = (value) => whole.format(value);
export const signed = (value) => (value >= 0 ? "+" : "−") + number(Math.abs(value));

// Truncates the share, because rounding up would turn 99,96 % into 100 %. A negative part gives 0 %.
export function share(part, total, places) {
  const unit = 10 ** places;
  const scaled = Math.floor((Math.max(part, 0) * 100 * unit) / total + 1e-9);
  const decimals = String(scaled % unit).padStart(places, "0").replace(/0+$/, "");
  const text = number(Math.floor(scaled / unit)) + (decimals ? (indonesian ? "," : ".") + decimals : "");
  return indonesian ? `${text} %` : `${text}%`;
}

function read(time) {
  return Object.fromEntries(parts.formatToParts(new Date(time)).map(({ type, value }) => [type, value]));
}
const dateOf = (p) => `${p.day} ${p.month} ${p.year}`;
const clockOf = (p, ...units) => `${units.map((unit) => p[unit]).join(indonesian ? "." : ":")} WIB`;

// A time for the element `time`, which allows at most three digits after the second.
export const htmlTime = (time) => new Date(time).toISOString();
export const clock = (time) => clockOf(read(time), "hour", "minute", "second");
export function moment(time, now) {
  const then = read(time);
  const short = clockOf(then, "hour", "minute");
  return dateOf(then) === dateOf(read(now)) ? short : `${dateOf(then)}, ${short}`;
}
// Two times to the nearest minute, or one if they are the same. If the dates differ, the second has its date.
export function span(begin, end) {
  const [first, second] = [begin, end].map((time) => Date.parse(time) + HALF_A_MINUTE_MS);
  const last = moment(second, first);
  return last === shortClock(first) ? last : `${shortClock(first).replace(" WIB", "")}–${last}`;
}
export const shortClock = (time) => clockOf(read(time), "hour", "minute");
// The largest whole unit of a duration, for example "3 menit".
export function duration(seconds) {
  const [length, unit] = words.units.find(([length]) => seconds >= length) ?? words.units.at(-1);
  return `${Math.floor(seconds / length)} ${unit}`;
}
export function dated(time) {
  const p = read(time);
  return `${dateOf(p)}, ${clockOf(p, "hour", "minute", "second")}`;
}
