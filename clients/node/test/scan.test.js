import assert from "node:assert/strict";
import { before, test } from "node:test";

import { connectFor, control, endpoint, fill, keyOf, proxyFor } from "./support.js";

// So large that a scan takes several responses, and that they are not all sent at once.
const DOCUMENT = { name: "pond", data: "x".repeat(4 << 10) };
let KEYS;

const keysOfScan = async (entries) => {
  const keys = [];
  for await (const { key } of entries) keys.push(key);
  return keys.sort();
};

before(async () => {
  KEYS = await fill("live", "scan", 2_000, DOCUMENT);
});

test("a scan has each entry once", async (t) => {
  const keys = await keysOfScan(connectFor(t).scan("live", { fields: ["name"] }));
  assert.equal(new Set(keys).size, keys.length);
  const found = new Set(keys);
  assert.ok(KEYS.every((key) => found.has(key)));
});

test("a scan of a prefix has its entries alone, with the fields that were asked for", async (t) => {
  const entries = connectFor(t).scan("live", { prefix: keyOf("scan-019"), fields: ["name"] });
  const found = [];
  for await (const entry of entries) {
    assert.deepEqual(entry.fields, { name: "pond" });
    found.push(entry.key);
  }
  assert.deepEqual(found.sort(), KEYS.filter((key) => key.startsWith(keyOf("scan-019"))).sort());
});

test("a scan ends at its limit", async (t) => {
  const keys = await keysOfScan(connectFor(t).scan("live", { prefix: keyOf("scan"), limit: 150 }));
  assert.equal(new Set(keys).size, 150);
});

test("a scan of nothing ends", async (t) => {
  assert.deepEqual(await keysOfScan(connectFor(t).scan("live", { prefix: keyOf("nothing") })), []);
});

test("a scan that is left ends its call", async (t) => {
  const client = connectFor(t);
  for await (const { key } of client.scan("live", { prefix: keyOf("scan") })) {
    assert.ok(key);
    break;
  }
  assert.ok(await client.get("live", KEYS[0]));
});

test("a scan goes on when its connection is cut", async (t) => {
  const proxy = await proxyFor(t, endpoint);
  const keys = [];
  for await (const { key } of connectFor(t, proxy.target).scan("live", { prefix: keyOf("scan") })) {
    keys.push(key);
    if (keys.length === 10 || keys.length === 1_000) proxy.cut();
  }
  assert.deepEqual(keys.sort(), [...KEYS].sort());
});

test("a scan fails when the service was restarted", async (t) => {
  const entries = connectFor(t).scan("live", { prefix: keyOf("scan") });
  await entries.next();
  await control("restart");
  await assert.rejects(keysOfScan(entries), (error) => {
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.match(error.message, /restarted: scan again/);
    return true;
  });
});

test("a scan of an unknown table fails", async (t) => {
  await assert.rejects(keysOfScan(connectFor(t).scan("unknown")), { reason: "TABLE_NOT_FOUND" });
});
