// A Node caller of millpond, with @grpc/grpc-js. See ../README.md.
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";
import { service as healthService } from "grpc-health-check";

import { lookup } from "./lookup.js";

const IMPATIENT_CALLS = 2000;
const AT_ONCE = 60;
const GZIP_CALLS = 50;
const PATIENCE_MS = 20_000;
// Long enough for some pings.
const WATCH_MS = 8_000;
const KEEPALIVE = { "grpc.keepalive_time_ms": 1000, "grpc.keepalive_permit_without_calls": 1 };
const GZIP = { "grpc.default_compression_algorithm": 2 };

const here = dirname(fileURLToPath(import.meta.url));
const definition = loader.loadSync("millpond/v1/lookup.proto", { includeDirs: [join(here, "proto")] });
const { LookupService } = grpc.loadPackageDefinition(definition).millpond.v1;
const HealthClient = grpc.makeGenericClientConstructor(healthService, "Health");

/** The status code of one call. */
function get(client, request, milliseconds) {
  const options = { deadline: Date.now() + milliseconds };
  return new Promise((resolve) => {
    client.Get(request, options, (error) => resolve(error ? error.code : grpc.status.OK));
  });
}

async function getInGzip(client, request, what, times) {
  for (let call = 0; call < times; call += 1) {
    const code = await get(client, request, PATIENCE_MS);
    if (code !== grpc.status.OK) {
      return [`${what}: ${grpc.status[code]}`];
    }
  }
  return [];
}

/** Makes calls with deadlines that few can meet, many at once. */
async function giveUp(client, request) {
  const counts = {};
  for (let done = 0; done < IMPATIENT_CALLS; done += AT_ONCE) {
    const calls = Array.from({ length: AT_ONCE }, (_, n) => get(client, request, 1 + (n % 5)));
    for (const code of await Promise.all(calls)) {
      counts[grpc.status[code]] = (counts[grpc.status[code]] ?? 0) + 1;
    }
  }
  console.log("impatient calls:", JSON.stringify(counts));
  const odd = Object.keys(counts).filter((name) => !["OK", "DEADLINE_EXCEEDED"].includes(name));
  return odd.length ? [`calls with a short deadline ended with ${odd}`] : [];
}

function watchHealth(client) {
  let ended = null;
  const call = client.Watch({ service: "" });
  call.on("data", () => {});
  call.on("error", (error) => (ended ??= error.message));
  call.on("end", () => (ended ??= "it has ended"));
  return () => {
    const failures = ended ? [`the health watch ended: ${ended}`] : [];
    call.cancel();
    return failures;
  };
}

async function impatience(address, table, key) {
  const start = Date.now();
  const credentials = grpc.credentials.createInsecure();
  const client = new LookupService(address, credentials, { ...KEEPALIVE, ...GZIP });
  const channelOverride = client.getChannel();
  const endOfWatch = watchHealth(new HealthClient(address, credentials, { channelOverride }));
  const failures = await getInGzip(client, { table, key }, "a call in gzip", GZIP_CALLS);
  failures.push(...(await giveUp(client, { table, key })));
  await pause(Math.max(0, WATCH_MS - (Date.now() - start)));
  failures.push(...(await getInGzip(client, { table, key }, "the call after all others", 1)));
  failures.push(...endOfWatch());
  client.close();
  return failures;
}

const scenarios = {
  impatience,
  lookup: (address, table, key) => lookup(LookupService, address, table, key),
};
const [scenario, ...rest] = process.argv.slice(2);
const failures =
  scenario in scenarios && rest.length === 3
    ? await scenarios[scenario](...rest)
    : ["usage: see README.md"];
for (const failure of failures) {
  console.log("FAILED ", failure);
}
process.exit(failures.length ? 1 : 0);
