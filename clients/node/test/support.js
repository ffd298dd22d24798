// The service that the tests ask, its control, and a proxy that cuts connections.
import { once } from "node:events";
import { createServer, connect as connectSocket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { connect } from "millpond-client";

const env = (name) => {
  const value = process.env[`MILLPOND_TEST_${name}`];
  if (!value) throw new Error(`MILLPOND_TEST_${name} is not set: see test.sh`);
  return value;
};

export const endpoint = env("ENDPOINT");
export const loadingEndpoint = env("LOADING");
export const tlsEndpoint = env("TLS_ENDPOINT");
export const files = {
  ca: env("CA"),
  token: env("TOKEN_FILE"),
  shedToken: env("SHED_TOKEN_FILE"),
  certificate: env("CERTIFICATE"),
  key: env("KEY"),
};

/** Keys of this run alone: the tables outlive it. */
const run = `node-${Date.now()}`;
export const keyOf = (name) => `${run}-${name}`;

/** A client that is closed when the test ends. */
export function connectFor(test, target = endpoint, options = {}) {
  const client = connect(target, { timeoutMs: 20_000, ...options });
  test.after(() => client.close());
  return client;
}

async function ask(method, path, body = "") {
  const response = await fetch(env("CONTROL") + path, { method, ...(body && { body }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text;
}

const document = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** Stores an entry, and returns its record when it is handled. */
export const store = async (table, key, value) =>
  JSON.parse(await ask("PUT", `/tables/${table}/entries/${key}`, document(value)));
export const remove = async (table, key) =>
  JSON.parse(await ask("DELETE", `/tables/${table}/entries/${key}`));
/** Produces a record, and returns it when the broker has it. */
export const produce = async (table, key, value) =>
  JSON.parse(await ask("POST", `/produce/${table}/${key}`, document(value)));
export const control = (action) => ask("POST", `/${action}`);

/** Stores `count` entries with the same fields, and returns their keys. */
export async function fill(table, name, count, value) {
  const prefix = keyOf(name);
  await ask("POST", `/fill/${table}/${prefix}/${count}`, document(value));
  return Array.from({ length: count }, (_, n) => `${prefix}-${String(n).padStart(5, "0")}`);
}

/** Tries until `attempt` returns something; its errors count as nothing. */
export async function eventually(attempt, seconds = 40) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      const found = await attempt();
      if (found) return found;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    if (Date.now() > end) throw new Error("it did not happen in time");
    await pause(200);
  }
}

/** A proxy to `target`, whose connections a test can cut. */
export async function proxyFor(test, target) {
  const [host, port] = target.split(":");
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connectSocket(Number(port), host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => {});
      socket.on("close", () => (sockets.delete(socket), other.destroy()));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => sockets.forEach((socket) => socket.destroy());
  test.after(() => (cut(), server.close()));
  return { target: `${host}:${server.address().port}`, cut };
}
