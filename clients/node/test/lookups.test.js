import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { InterceptingCall } from "@grpc/grpc-js";
import { MillpondError, NumberText } from "millpond-client";

import {
  connectFor,
  endpoint,
  eventually,
  fill,
  keyOf,
  loadingEndpoint,
  produce,
  proxyFor,
  remove,
  store,
} from "./support.js";

test("an entry has its key, its fields and its origin", async (t) => {
  const client = connectFor(t);
  const key = keyOf("entry");
  const before = Date.now();
  const { partition, offset } = await store("live", key, { name: "pond", size: 3 });
  const { entry, miss, asOf } = await client.get("live", key);
  assert.equal(miss, undefined);
  assert.equal(entry.key, key);
  assert.deepEqual(entry.fields, { name: "pond", size: 3 });
  assert.equal(entry.origin.partition, partition);
  assert.equal(entry.origin.offset, BigInt(offset));
  assert.ok(Math.abs(entry.origin.time - before) < 60_000);
  assert.ok(entry.expireTime > entry.origin.time);
  assert.equal(asOf.ready, true);
  assert.ok(asOf.newestRecordTime >= entry.origin.time);
  assert.ok(asOf.stalenessMs >= 0);
});

test("an answer has the fields that were asked for", async (t) => {
  const client = connectFor(t);
  const key = keyOf("fields");
  await store("live", key, { name: "pond", size: 3 });
  const { entry } = await client.get("live", key, { fields: ["size", "data"] });
  assert.deepEqual(entry.fields, { size: 3 });
});

const VALUES = [
  ["null", null],
  ["true", true],
  ["-7", -7],
  ["9007199254740991", 9007199254740991],
  ["-9223372036854775808", -9223372036854775808n],
  ["18446744073709551615", 18446744073709551615n],
  ["1.50", 1.5],
  ['"p\\u00f6nd"', "pönd"],
  ['{"a": [1, "b"]}', { a: [1, "b"] }],
  ["123456789012345678901234567890", new NumberText("123456789012345678901234567890")],
];

for (const [json, expected] of VALUES) {
  test(`the value ${json} comes as it is`, async (t) => {
    const client = connectFor(t);
    const key = keyOf(`value-${VALUES.findIndex(([other]) => other === json)}`);
    await store("live", key, `{"data": ${json}}`);
    const { entry } = await client.get("live", key);
    assert.deepEqual(entry.fields, { data: expected });
  });
}

test("a caller chooses what becomes of JSON", async (t) => {
  const client = connectFor(t, endpoint, { parseJson: (text) => text });
  const key = keyOf("json");
  await store("live", key, '{"data": [1]}');
  const { entry } = await client.get("live", key);
  assert.equal(entry.fields.data, "[1]");
});

test("a batch of any size answers in the order of its keys, with keys that are deferred", async (t) => {
  let calls = 0;
  const count = (options, next) => {
    calls += 1;
    return new InterceptingCall(next(options));
  };
  const client = connectFor(t, endpoint, { grpcOptions: { interceptors: [count] } });
  const stored = await fill("live", "large", 300, { data: "x".repeat(16 << 10) });
  const keys = [...stored, ...Array.from({ length: 2_200 }, (_, n) => keyOf(`none-${n}`))];
  const results = await client.batchGet("live", keys);
  assert.deepEqual(results.map(({ key }) => key), keys);
  assert.equal(results.filter(({ entry }) => entry).length, stored.length);
  assert.ok(results.every(({ key, entry }) => !entry || entry.key === key));
  assert.ok(calls > 3, `${calls} calls: no key was deferred`);
});

test("a batch without keys has no results", async (t) => {
  assert.deepEqual(await connectFor(t).batchGet("live", []), []);
});

test("a thousand lookups share a stream, and one that fails fails alone", async (t) => {
  const lookups = connectFor(t).lookups();
  const key = keyOf("shared");
  await store("live", key, { size: 1 });
  const asked = Array.from({ length: 1000 }, (_, n) => (n % 2 ? keyOf(`none-${n}`) : key));
  const answers = await Promise.allSettled([
    ...asked.map((name) => lookups.get("live", name)),
    lookups.get("unknown", key),
  ]);
  const failed = answers.pop();
  assert.equal(failed.reason.code, "NOT_FOUND");
  assert.equal(failed.reason.reason, "TABLE_NOT_FOUND");
  assert.deepEqual(answers.map(({ value }) => value?.key), asked);
  assert.ok(answers.every(({ value }) => Boolean(value.entry) === (value.key === key)));
});

test("lookups in flight fail when their stream ends, and the next opens a new one", async (t) => {
  const proxy = await proxyFor(t, endpoint);
  const lookups = connectFor(t, proxy.target).lookups();
  const key = keyOf("cut");
  const { partition, offset } = await store("live", key, { size: 1 });
  await lookups.get("live", key);
  const minPositions = [{ partition, offset: offset + 1_000_000 }];
  const waiting = lookups.get("live", key, { freshness: { minPositions } });
  setTimeout(proxy.cut, 200);
  await assert.rejects(waiting, (error) => error instanceof MillpondError && error.retryable);
  assert.ok((await lookups.get("live", key)).entry);
});

test("a caller reads its own writes", async (t) => {
  const client = connectFor(t);
  const lookups = client.lookups();
  for (const get of [client.get.bind(client), lookups.get.bind(lookups)]) {
    const key = keyOf(`own-${get.name}-${Math.random()}`);
    const written = await produce("live", key, { size: 2 });
    const { entry } = await get("live", key, { freshness: { minPositions: [written] } });
    assert.equal(entry.origin.offset, BigInt(written.offset));
  }
});

test("a miss says that the key was never seen", async (t) => {
  const { miss } = await connectFor(t).get("live", keyOf("never"));
  assert.deepEqual(miss, { reason: "NEVER_SEEN" });
});

test("a miss says that the entry was deleted, and by what", async (t) => {
  const client = connectFor(t);
  const key = keyOf("deleted");
  await store("live", key, { size: 1 });
  const { partition, offset } = await remove("live", key);
  const { miss } = await client.get("live", key);
  assert.deepEqual(miss, { reason: "DELETED", deletedBy: { partition, offset: BigInt(offset) } });
});

test("a miss says that the entry expired, and when", async (t) => {
  const client = connectFor(t);
  const key = keyOf("expired");
  await store("brief", key, { size: 1 });
  await pause(2_000);
  const { miss } = await eventually(async () => {
    const result = await client.get("brief", key);
    return result.miss && result;
  });
  assert.equal(miss.reason, "EXPIRED");
  assert.ok(Math.abs(miss.time - Date.now()) < 60_000);
});

test("a miss says that the entry was evicted, and when", async (t) => {
  const client = connectFor(t);
  const keys = [];
  const { miss } = await eventually(async () => {
    keys.push(...(await fill("small", `evicted-${keys.length}`, 5_000, { size: 1 })));
    return (await client.batchGet("small", keys)).find((result) => result.miss?.reason === "EVICTED");
  });
  assert.ok(Math.abs(miss.time - Date.now()) < 60_000);
});

test("calls that demand a ready table do not fail because one instance is loading", async (t) => {
  const client = connectFor(t, [endpoint, loadingEndpoint]);
  const options = { freshness: { requireReady: true } };
  // Many at a time, so that repeated calls meet each other at either instance.
  for (let round = 0; round < 5; round += 1) {
    const calls = Array.from({ length: 100 }, () => client.get("live", keyOf("ready"), options));
    await Promise.all(calls);
  }
});

test("a miss says that the table is loading", async (t) => {
  const client = connectFor(t, loadingEndpoint);
  const { miss, asOf } = await client.get("live", keyOf("loading"));
  assert.equal(miss.reason, "LOADING");
  assert.equal(asOf.ready, false);
});

test("the tables are listed with their fields", async (t) => {
  const tables = await connectFor(t).listTables();
  assert.deepEqual(tables.map(({ name }) => name).sort(), ["brief", "live", "small"]);
  const live = tables.find(({ name }) => name === "live");
  assert.deepEqual(live.fields, [
    { name: "data", source: "/data" },
    { name: "name", source: "/name" },
    { name: "size", source: "/size" },
  ]);
  assert.equal(live.ttlMs, 3_600_000);
});
