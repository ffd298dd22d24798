import assert from "node:assert/strict";
import { test } from "node:test";

import { connect, MillpondError } from "millpond-client";

import { connectFor, control, files, keyOf, loadingEndpoint, tlsEndpoint } from "./support.js";

test("an unknown table is an error with its reason", async (t) => {
  await assert.rejects(connectFor(t).get("unknown", "key"), (error) => {
    assert.ok(error instanceof MillpondError);
    assert.equal(error.code, "NOT_FOUND");
    assert.equal(error.reason, "TABLE_NOT_FOUND");
    assert.match(error.message, /unknown/);
    assert.equal(error.metadata.table, "unknown");
    assert.ok(error.requestId);
    assert.equal(error.retryable, false);
    return true;
  });
});

test("an error lists the fields that break their rules", async (t) => {
  await assert.rejects(connectFor(t).get("live", ""), (error) => {
    assert.equal(error.reason, "INVALID_REQUEST");
    assert.deepEqual(error.violations.map(({ field }) => field), ["key"]);
    return true;
  });
});

test("a table that is loading is not ready", async (t) => {
  // Without a service configuration, so that it is not asked again.
  const client = connectFor(t, loadingEndpoint, { serviceConfig: {} });
  await assert.rejects(client.get("live", "key", { freshness: { requireReady: true } }), (error) => {
    assert.equal(error.reason, "TABLE_LOADING");
    assert.ok(error.retryable);
    assert.ok(error.retryDelayMs > 0);
    return true;
  });
});

test("a call ends at its deadline", async (t) => {
  const client = connectFor(t);
  const lookups = client.lookups();
  await lookups.get("live", keyOf("deadline"));
  await control("pause");
  try {
    for (const get of [client.get.bind(client), lookups.get.bind(lookups)]) {
      await assert.rejects(get("live", "key", { timeoutMs: 300 }), (error) => error.deadlineExceeded);
    }
    const signal = AbortSignal.timeout(300);
    await assert.rejects(client.get("live", "key", { signal }), { name: "TimeoutError" });
  } finally {
    await control("continue");
  }
  assert.ok((await lookups.get("live", keyOf("deadline"))).miss);
});

test("a call that is shed says when to retry", async (t) => {
  const client = connectFor(t, tlsEndpoint, { tls: { ca: files.ca }, tokenFile: files.shedToken });
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => client.get("live", "key")));
  const { reason } = answers.find(({ status }) => status === "rejected");
  assert.equal(reason.code, "RESOURCE_EXHAUSTED");
  assert.equal(reason.reason, "SHARE_EXHAUSTED");
  assert.ok(reason.shed && reason.retryable);
  assert.ok(reason.retryDelayMs > 0);
});

test("a client that is closed answers nothing more", async (t) => {
  const client = connectFor(t);
  await client.get("live", "key");
  client.close();
  await assert.rejects(client.get("live", "key"), { code: "CANCELLED" });
});

test("a stream that is closed fails its lookups, and opens again", async (t) => {
  const lookups = connectFor(t).lookups();
  const minPositions = [{ partition: 0, offset: 1_000_000_000 }];
  const waiting = lookups.get("live", "key", { freshness: { minPositions } });
  setTimeout(() => lookups.close(), 100);
  await assert.rejects(waiting, { code: "CANCELLED" });
  assert.ok((await lookups.get("live", "key")).miss);
});

test("options that do not fit together are refused", () => {
  assert.throws(() => connect(tlsEndpoint, { tokenFile: files.token }), TypeError);
  assert.throws(() => connect(tlsEndpoint, { tls: { ca: files.ca, key: files.ca } }), TypeError);
  assert.throws(() => connect(tlsEndpoint, { tls: { ca: "/does/not/exist" } }), { code: "ENOENT" });
});
