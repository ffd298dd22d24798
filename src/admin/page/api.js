// Asks the service, on the port that the page came from.

/** A refusal, with what the service said. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text.trim() || `status ${status}`);
    this.status = status;
  }
}

const TIMEOUT_MILLIS = 15_000;

async function ask(path, { millis = TIMEOUT_MILLIS, ...options } = {}) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(millis) });
  if (!response.ok) throw new Refusal(response.status, await response.text());
  return response;
}

async function answer(path, options) {
  return (await ask(path, options)).json();
}

function bearer(token) {
  return token ? { authorization: `Bearer ${token}` } : {};
}

export function layout() {
  return answer("/api/layout");
}

export function snapshot() {
  return answer("/api/snapshot");
}

/** The samples of a tier from a number on, and the marks after one. */
export function history(tier, from, marks) {
  return answer(`/api/history?tier=${tier}&from=${from}&marks=${marks}`);
}

/** A method of the gRPC port. The token is that of the page, if there is one. */
export function call(method, request, token) {
  const headers = { "content-type": "application/json", ...bearer(token) };
  return answer(`/api/call/${method}`, { method: "POST", headers, body: JSON.stringify(request) });
}

/** A profile of CPU time for so many seconds, or of memory. The token is that of calls that change the process. */
export function profile(kind, seconds, token) {
  const query = kind === "cpu" ? `seconds=${seconds}&format=json` : "format=json";
  return answer(`/profiles/${kind}?${query}`, { headers: bearer(token), millis: TIMEOUT_MILLIS + seconds * 1_000 });
}

/** Starts or stops the allocator's profiler. What the service says of it. */
export async function switchHeapProfiler(active, token) {
  const options = { method: "POST", headers: bearer(token), body: JSON.stringify({ active }) };
  return (await ask("/profiles/heap", options)).text();
}
