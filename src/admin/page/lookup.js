// The lookup box: shows an entry with what it costs and where it came from, or says why there is none.
// The lists of the largest entries and of the last rejections are here too: they show keys or places
// in the stream, so they need the rights of calls.

import { Refusal, call } from "./api.js";
import { byId, element, table } from "./elements.js";
import { bytes, clock, count, seconds, span, word } from "./units.js";

const LISTED = 20;

/** Prepares the box for these tables. */
export function prepareLookup(tables) {
  byId("lookup-table").replaceChildren(...tables.map((name) => element("option", { value: name }, name)));
  byId("lookup-form").addEventListener("submit", (event) => {
    event.preventDefault();
    run(() => lookUp(byId("lookup-table").value, byId("lookup-key").value));
  });
  byId("token-form").addEventListener("submit", (event) => event.preventDefault());
  byId("list-largest").addEventListener("click", () => run(() => largest(byId("lookup-table").value)));
  byId("list-rejections").addEventListener("click", () => run(() => rejections(byId("lookup-table").value)));
}

function token() {
  return byId("token").value.trim();
}

async function run(work) {
  const result = byId("lookup-result");
  try {
    result.replaceChildren(...(await work()));
  } catch (error) {
    const cure = error instanceof Refusal && [401, 403].includes(error.status)
      ? " Without a policy these calls are for callers on this machine, by a port-forward for example; with one, give a token that may make them."
      : "";
    result.replaceChildren(element("p", { class: "answer bad" }, error.message), element("p", { class: "note" }, cure.trim()));
  }
}

async function lookUp(name, key) {
  const { result, asOf } = await call("Get", { table: name, key }, token());
  if (!result.entry) return missed(key, result.miss, asOf);
  const { entry } = result;
  const fields = Object.entries(entry.fields).map(([field, value]) => [field, valueText(value)]);
  const facts = [...fields, ["from", originText(entry.origin)], ["expires", clock(Date.parse(entry.expireTime))]];
  return [element("p", { class: "answer good" }, `${key}: found`), list(facts), await costs(name, key)];
}

/** What the entry costs, for callers who may know. */
async function costs(name, key) {
  try {
    const { entry } = await call("DescribeEntry", { table: name, key }, token());
    return list(described(entry));
  } catch (error) {
    return element("p", { class: "note" }, `What it costs is not shown: ${error.message}`);
  }
}

function described({ weightBytes, parts, age, timeLeft, replacedCount }) {
  const of = [["key", parts.keyBytes], ["fields", parts.fieldsBytes], ["header", parts.headerBytes],
    ["rounding", parts.roundingBytes], ["bookkeeping", parts.bookkeepingBytes]];
  return [["weight", `${count(Number(weightBytes))} B: ${of.map(([name, value]) => `${name} ${value}`).join(", ")}`],
    ["age", `${span(seconds(age))}, ${span(seconds(timeLeft))} left`], ["replaced", `${count(Number(replacedCount))} times`]];
}

const MISSES = {
  LOADING: "The table is loading and may not have read it yet.",
  UNKNOWN: "It is not there, and the table does not remember why.",
  NEVER_SEEN: "No record with this key was seen since the start.",
  EXPIRED: "Its time to live ended.",
  EVICTED: "It was evicted: the table was full.",
  DELETED: "A tombstone or a record of its key deleted it.",
  EVICTED_FOR_PRESSURE: "It was evicted because memory was short.",
};

function missed(key, { reason, time, deletedBy }, asOf) {
  const name = reason.replace("MISS_REASON_", "");
  const facts = [["why", MISSES[name] ?? name]];
  if (time) facts.push(["when", clock(Date.parse(time))]);
  if (deletedBy) facts.push(["deleted by", `partition ${deletedBy.partition}, offset ${deletedBy.offset}`]);
  facts.push(["table", asOf.ready ? `complete ${span(seconds(asOf.staleness))} ago` : "not ready"]);
  return [element("p", { class: "answer warn" }, `${key}: not found`), list(facts)];
}

function list(facts) {
  return element("dl", { class: "facts" },
    ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", { class: "mono" }, value)]));
}

function originText({ partition, offset, recordTime }) {
  return `partition ${partition}, offset ${offset}, ${clock(Date.parse(recordTime))}`;
}

function valueText(value) {
  const [kind, content] = Object.entries(value)[0] ?? ["nullValue", null];
  return kind === "nullValue" ? "null" : String(content);
}

async function largest(name) {
  const { entries, walkedCount } = await call("ListLargestEntries", { table: name, pageSize: LISTED }, token());
  const rows = entries.map(({ key, weightBytes, origin, age, timeLeft, replacedCount }) =>
    [element("span", { class: "mono" }, key), bytes(Number(weightBytes)), span(seconds(age)), span(seconds(timeLeft)),
      count(Number(replacedCount)), `${origin.partition} / ${origin.offset}`]);
  const columns = [["Key", true], ["Weight", false], ["Age", false], ["Left", false], ["Replaced", false], ["Partition / offset", false]];
  return [element("p", { class: "answer" }, `The largest of ${count(Number(walkedCount))} entries of ${name}`), table("Largest entries", columns, rows)];
}

async function rejections(name) {
  const { rejections: listed } = await call("ListRejections", { table: name, pageSize: LISTED }, token());
  if (!listed.length) return [element("p", { class: "answer" }, `No record for ${name} was rejected since the start.`)];
  const rows = listed.map(({ topic, partition, offset, rejectTime, reason }) =>
    [clock(Date.parse(rejectTime)), word(reason, "REJECT_REASON_"), topic, String(partition), String(offset)]);
  const columns = [["When", true], ["Why", true], ["Topic", true], ["Partition", false], ["Offset", false]];
  return [element("p", { class: "answer" }, `The last rejected records of ${name}`), table("Last rejections", columns, rows)];
}
