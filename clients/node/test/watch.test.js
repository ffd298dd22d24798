import assert from "node:assert/strict";
import { test } from "node:test";

import { connectFor, control, endpoint, keyOf, proxyFor, remove, store } from "./support.js";

/** The next event that is no progress. */
async function next(events) {
  for (;;) {
    const { value, done } = await events.next();
    assert.ok(!done);
    if (value.type !== "progress") return value;
  }
}

/** A watch that is ended with the test, and its first event. */
async function begin(t, client, table, options) {
  const events = client.watch(table, { signal: AbortSignal.timeout(60_000), ...options });
  t.after(() => events.return());
  const started = await next(events);
  assert.equal(started.type, "started");
  return { events, started };
}

test("a watch has the current entries, and then the changes", async (t) => {
  const prefix = keyOf("watch-");
  const [a, b] = [`${prefix}a`, `${prefix}b`];
  await store("live", a, { size: 1 });
  const { events, started } = await begin(t, connectFor(t), "live", { prefix, includeCurrent: true });
  assert.equal(started.resumed, false);
  assert.equal(started.sendsCurrent, true);
  assert.equal(started.asOf.ready, true);
  const current = await next(events);
  assert.deepEqual([current.type, current.entry.key], ["current", a]);
  assert.equal((await next(events)).type, "snapshotComplete");

  await store("live", b, { size: 2 });
  const stored = await next(events);
  assert.deepEqual([stored.type, stored.entry.key, stored.replaced], ["stored", b, false]);
  assert.deepEqual(stored.entry.fields, { size: 2 });

  const { partition, offset } = await store("live", a, { size: 3 });
  const replaced = await next(events);
  assert.deepEqual([replaced.type, replaced.entry.key, replaced.replaced], ["stored", a, true]);

  const tombstone = await remove("live", a);
  const removed = await next(events);
  assert.deepEqual([removed.type, removed.key, removed.cause], ["removed", a, "DELETED"]);
  assert.deepEqual([removed.origin.partition, removed.origin.offset], [partition, BigInt(offset)]);
  assert.deepEqual(removed.deletedBy, {
    partition: tombstone.partition,
    offset: BigInt(tombstone.offset),
  });
});

test("a watch of some keys has their changes alone", async (t) => {
  const [a, b] = [keyOf("keys-a"), keyOf("keys-b")];
  const { events, started } = await begin(t, connectFor(t), "live", { keys: [b], fields: ["size"] });
  assert.equal(started.sendsCurrent, false);
  await store("live", a, { size: 1 });
  await store("live", b, { name: "pond", size: 2 });
  const { entry } = await next(events);
  assert.deepEqual([entry.key, entry.fields], [b, { size: 2 }]);
});

test("a watch sees that an entry expires", async (t) => {
  const key = keyOf("brief");
  const { events } = await begin(t, connectFor(t), "brief", { keys: [key] });
  await store("brief", key, { size: 1 });
  assert.equal((await next(events)).type, "stored");
  const removed = await next(events);
  assert.deepEqual([removed.type, removed.key, removed.cause], ["removed", key, "EXPIRED"]);
  assert.equal(removed.deletedBy, undefined);
});

test("a watch says how far it has come", async (t) => {
  const events = connectFor(t).watch("live", { progressIntervalMs: 100 });
  t.after(() => events.return());
  for await (const event of events) {
    if (event.type !== "progress" || event.positions.length === 0) continue;
    assert.equal(typeof event.positions[0].offset, "bigint");
    assert.equal(event.asOf.ready, true);
    break;
  }
});

test("a watch goes on when its connection is cut, and misses nothing", async (t) => {
  const proxy = await proxyFor(t, endpoint);
  const prefix = keyOf("resumed-");
  const { events } = await begin(t, connectFor(t, proxy.target), "live", { prefix, includeCurrent: true });
  assert.equal((await next(events)).type, "snapshotComplete");
  await store("live", `${prefix}a`, { size: 1 });
  assert.equal((await next(events)).entry.key, `${prefix}a`);
  proxy.cut();
  await store("live", `${prefix}b`, { size: 2 });
  const again = await next(events);
  assert.deepEqual([again.type, again.resumed, again.sendsCurrent], ["started", true, false]);
  const stored = await next(events);
  assert.deepEqual([stored.type, stored.entry.key], ["stored", `${prefix}b`]);
});

test("a watch begins anew when the service was restarted", async (t) => {
  const prefix = keyOf("restarted-");
  await store("live", `${prefix}a`, { size: 1 });
  const { events, started } = await begin(t, connectFor(t), "live", { prefix });
  assert.equal(started.sendsCurrent, false);
  const again = next(events);
  await control("restart");
  await store("live", `${prefix}b`, { size: 2 });
  const { type, resumed, sendsCurrent } = await again;
  assert.deepEqual([type, resumed, sendsCurrent], ["started", false, true]);
  const seen = new Set();
  while (!seen.has(`${prefix}a`) || !seen.has(`${prefix}b`)) {
    const event = await next(events);
    if (event.entry) seen.add(event.entry.key);
  }
});

test("a watch of an unknown table fails", async (t) => {
  await assert.rejects(connectFor(t).watch("unknown").next(), { reason: "TABLE_NOT_FOUND" });
});

test("a watch ends with its signal and with its client", async (t) => {
  const client = connectFor(t);
  const signal = AbortSignal.timeout(500);
  const aborted = client.watch("live", { signal, progressIntervalMs: 60_000 });
  await assert.rejects(async () => {
    for await (const _ of aborted);
  }, { name: "TimeoutError" });
  const { events } = await begin(t, client, "live", { progressIntervalMs: 60_000 });
  setTimeout(() => client.close(), 200);
  await assert.rejects(next(events), { code: "CANCELLED" });
});
