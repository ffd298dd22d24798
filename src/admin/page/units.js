// Numbers as people read them.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes in the largest unit of which there is at least one. */
export function bytes(value) {
  if (!isKnown(value)) return "–";
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${digits(value, unit)} ${UNITS[unit]}`;
}

function digits(value, unit) {
  if (unit === 0) return String(Math.round(value));
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1);
}

/** A whole number with separators. */
export function count(value) {
  return isKnown(value) ? Math.round(value).toLocaleString("en") : "–";
}

/** A number on an axis: short. */
export function short(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9)} G`;
  if (size >= 1e6) return `${trim(value / 1e6)} M`;
  if (size >= 1e4) return `${trim(value / 1e3)} k`;
  return size >= 1e3 ? Math.round(value).toLocaleString("en") : trim(value);
}

function trim(value) {
  return String(Number(value.toPrecision(3)));
}

/** So many a second. */
export function rate(value) {
  if (!isKnown(value)) return "–";
  return `${Math.abs(value) < 10 ? trim(value) : count(value)}/s`;
}

export function percent(value) {
  return isKnown(value) ? `${value >= 99.95 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %` : "–";
}

/** A span of time, from seconds. */
export function span(value) {
  if (!isKnown(value)) return "–";
  if (value === 0) return "0";
  if (value < 0.001) return `${trim(value * 1e6)} µs`;
  if (value < 0.01) return `${trim(value * 1000)} ms`;
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  if (value < 60) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([seconds]) => whole >= seconds);
  const [seconds, name] = parts[first];
  const rest = parts[first + 1];
  const more = rest ? Math.floor((whole % seconds) / rest[0]) : 0;
  return `${Math.floor(whole / seconds)} ${name}${more ? ` ${more} ${rest[1]}` : ""}`;
}

/** The time of day, with the day if it is not today. */
export function clock(millis) {
  const time = new Date(millis);
  const text = time.toLocaleTimeString("en-GB");
  return time.toDateString() === new Date().toDateString() ? text : `${day(millis)} ${text}`;
}

export function day(millis) {
  return new Date(millis).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/** The seconds of a duration in proto3 JSON, such as "1.5s". */
export function seconds(duration) {
  return duration === null || duration === undefined ? NaN : Number.parseFloat(duration);
}

/** The word of an enum's name: the rest after a prefix, in lower case. */
export function word(name, prefix) {
  return (name ?? "").replace(prefix, "").replaceAll("_", " ").toLowerCase();
}

export function isKnown(value) {
  return value !== null && value !== undefined && !Number.isNaN(value);
}
