import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";

import { connectFor, control, eventually, files, keyOf, proxyFor, tlsEndpoint } from "./support.js";

/** The fingerprint of the certificate that the service shows. */
function shownCertificate() {
  const [host, port] = tlsEndpoint.split(":");
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ["h2"] }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

test("a token is read again when its file changes", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "millpond-"));
  t.after(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, "token");
  await writeFile(tokenFile, "wrong\n");
  const client = connectFor(t, tlsEndpoint, { tls: { ca: files.ca }, tokenFile });
  await assert.rejects(client.get("live", "key"), { code: "UNAUTHENTICATED", reason: "UNAUTHENTICATED" });
  await copyFile(files.token, tokenFile);
  assert.ok(await eventually(() => client.get("live", "key")));
});

test("a certificate of a new authority is accepted when the CA file has it", async (t) => {
  const proxy = await proxyFor(t, tlsEndpoint);
  const client = connectFor(t, proxy.target, {
    tls: { ca: files.ca },
    tokenFile: files.token,
    timeoutMs: 2_000,
  });
  await client.get("live", keyOf("before"));
  const before = await shownCertificate();
  await control("rotate");
  await eventually(async () => (await shownCertificate()) !== before);
  proxy.cut();
  const { miss } = await eventually(() => client.get("live", keyOf("after")));
  assert.equal(miss.reason, "NEVER_SEEN");
});

test("a caller proves who it is with a certificate", async (t) => {
  const { ca, certificate, key } = files;
  const client = connectFor(t, tlsEndpoint, { tls: { ca, certificate, key } });
  assert.ok((await client.get("live", keyOf("certificate"))).miss);
});
