// Times and durations of the protocol as those of JavaScript. millpond's are whole milliseconds.
import type { Duration__Output } from "./generated/google/protobuf/Duration.js";
import type { Timestamp__Output } from "./generated/google/protobuf/Timestamp.js";

export function toDate(time: Timestamp__Output): Date {
  return new Date(Number(time.seconds) * 1000 + Math.trunc(time.nanos / 1e6));
}

export function toMs(duration: Duration__Output): number {
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

export function fromMs(ms: number): { seconds: number; nanos: number } {
  const seconds = Math.trunc(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}
