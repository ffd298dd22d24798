// Looks up keys by the Node package. See ../README.md.
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

import { connect, MillpondError } from "millpond-client";

const LOOPS = 8;
const PAUSE_MS = 25;
// For Node has no health checks: see the package's README.
const READY = { freshness: { requireReady: true } };

const [address, table, ...keys] = process.argv.slice(2);
if (keys.length === 0) throw new Error("usage: see README.md");
const client = connect(`dns:///${address}`);
const outcomes = new Map();
let stopped = false;

async function outcomeOf(key) {
  try {
    const { entry, miss } = await client.get(table, key, READY);
    return miss ? `missed ${miss.reason}` : `answered ${entry.fields.instance}`;
  } catch (error) {
    if (!(error instanceof MillpondError)) throw error;
    return `failed ${error.code}: ${error.message}`;
  }
}

async function lookUp(call) {
  const outcome = await outcomeOf(keys[call % keys.length]);
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

async function loop(first) {
  for (let call = first; !stopped; call += 1) {
    await lookUp(call);
    await wait(PAUSE_MS);
  }
}

await lookUp(0);
console.log("calling");
const loops = Array.from({ length: LOOPS }, (_, first) => loop(first));
process.stdin.resume();
await Promise.race([once(process.stdin, "end"), ...loops]);
stopped = true;
await Promise.all(loops);
client.close();
for (const [outcome, count] of outcomes) {
  console.log(count, outcome);
}
