// Asks the service, on the port that the page came from.

/** A refusal, with what the service said. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text.trim() || `status ${status}`);
    this.status = status;
  }
}

const TIMEOUT_MILLIS = 15_000;

async function answer(path, options = {}) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT_MILLIS) });
  if (!response.ok) throw new Refusal(response.status, await response.text());
  return response.json();
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
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  return answer(`/api/call/${method}`, { method: "POST", headers, body: JSON.stringify(request) });
}
