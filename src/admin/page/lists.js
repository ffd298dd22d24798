// The lists below the charts, from the snapshot.

import { MARK_COLOURS } from "./chart.js";
import { colour } from "./colours.js";
import { bar, byId, element, replace, table } from "./elements.js";
import { bytes, clock, count, percent, seconds, span, word } from "./units.js";

const MAX_PARTITIONS = 50;
const MAX_MARKS = 40;

/** Shows all lists. */
export function showLists(snapshot, marks) {
  showMarks(marks);
  showPartitions(snapshot);
  showBudget(snapshot.memory);
  showCallers(snapshot.rpc);
  showKafka(snapshot);
}

function content(id) {
  return byId(id).querySelector(".content");
}

function showMarks(marks) {
  const items = marks.slice(-MAX_MARKS).reverse().map(({ time_millis: time, kind, text }) => {
    const sign = element("span", { class: "sign", "aria-hidden": "true" });
    sign.style.color = colour(MARK_COLOURS[kind] ?? "quiet");
    return element("li", {}, element("time", {}, clock(time)), element("span", {}, sign, text));
  });
  const list = element("ul", { class: "events scroll", tabindex: "0", "aria-label": "What changed, newest first" }, ...items);
  replace(content("marks"), items.length ? list : element("p", { class: "note" }, "Nothing yet."));
}

function showPartitions({ partitions }) {
  const sorted = [...partitions].sort((one, other) => Number(other.lagRecords) - Number(one.lagRecords)
    || one.topic.localeCompare(other.topic) || one.partition - other.partition);
  const rows = sorted.slice(0, MAX_PARTITIONS).map((each) => {
    const { loading } = each;
    const done = loading ? Number(loading.doneRecords) / Math.max(1, Number(loading.doneRecords) + Number(loading.remainingRecords)) : 1;
    const state = loading
      ? element("span", {}, `loading ${percent(done * 100)}`, loading.timeLeft ? `, ${span(seconds(loading.timeLeft))} left` : "", bar(done))
      : each.openTransactionOffset ? "waits for a transaction" : "caught up";
    const cells = [`${each.topic} / ${each.partition}`, each.table, count(Number(each.lagRecords)),
      each.staleness === undefined ? ageOf(each.newestRecordTime) : span(seconds(each.staleness)),
      count(Number(each.position)), count(Number(each.polledCount)), bytes(Number(each.payloadBytes)), state];
    return cells;
  });
  const columns = [["Topic and partition", true], ["Table", true], ["Lag", false], ["Newest", false], ["Position", false],
    ["Handled", false], ["Payloads", false], ["State", true]];
  const more = sorted.length - rows.length;
  replace(content("partitions"), table("Partitions, by lag", columns, rows),
    more > 0 ? element("p", { class: "note" }, `and ${count(more)} more with less lag`) : "");
}

function ageOf(time) {
  return time ? `${span(Math.max(0, (Date.now() - Date.parse(time)) / 1000))} ago` : "–";
}

function showBudget(memory) {
  const rss = Number(memory.rssBytes);
  const types = memory.types.map(({ type, table: name, bytes: of }) => {
    const share = Number(of) / Math.max(1, rss);
    return [name ? `table ${name}` : word(type, "MEMORY_TYPE_"), bytes(Number(of)), element("span", {}, percent(share * 100), bar(share))];
  });
  types.push(["resident set", bytes(rss), ""]);
  const budget = memory.budget.map(({ text, bytes: of }) => [text, bytes(Number(of))]);
  replace(content("budget"), table("Memory by type", [["In use", true], ["Bytes", false], ["Share", false]], types),
    element("details", { class: "data" }, element("summary", {}, `Table: how the limit of ${bytes(Number(memory.limitBytes))} is divided`),
      table("The budget", [["Purpose", true], ["Bytes", false]], budget)));
}

function showCallers(rpc) {
  const { access, callers } = rpc;
  const parts = [];
  if (callers?.length) parts.push(costs(callers));
  else if (access.identities.length) {
    const rows = access.identities.map(({ identity, allowedCount, deniedCount, shedCount }) =>
      [identity || "anonymous", ...[allowedCount, deniedCount, shedCount].map((of) => count(Number(of)))]);
    parts.push(table("Identities", [["Identity", true], ["Allowed", false], ["Denied", false], ["Shed", false]], rows));
  }
  const denied = access.deniedCalls.map(({ method, reason, count: of }) => [method, word(reason, "DENIAL_REASON_"), count(Number(of))]);
  if (denied.length) parts.push(table("Denied calls", [["Denied method", true], ["Reason", true], ["Calls", false]], denied));
  const shed = rpc.shedCalls.map(({ cause, count: of }) => [word(cause, "SHED_CAUSE_"), count(Number(of))]);
  const facts = [["connections open", count(Number(rpc.openConnectionCount))], ["calls open", count(Number(rpc.openCallCount))],
    ["connections accepted", count(Number(rpc.admittedConnectionCount))], ["byte pool in use", `${bytes(Number(rpc.heldBytes))} of ${bytes(Number(rpc.poolBytes))}`]];
  parts.push(table("The gRPC port", [["gRPC port", true], ["Now", false]], [...facts, ...shed.map(([cause, of]) => [`shed: ${cause}`, of])]));
  replace(content("callers"), ...parts);
}

/** Who costs what: every figure that the service has of a caller. */
function costs(callers) {
  const columns = Object.keys(callers[0]);
  const title = (name) => name.replace(/Count$/, "").replace(/([A-Z])/g, " $1").toLowerCase();
  const cell = (name, value) => {
    if (typeof value === "string" && /^-?\d+$/.test(value)) return name.endsWith("Bytes") ? bytes(Number(value)) : count(Number(value));
    if (typeof value === "string" && /^[\d.]+s$/.test(value)) return span(seconds(value));
    return typeof value === "string" ? value : "";
  };
  const plain = columns.filter((name) => typeof callers[0][name] !== "object");
  return table("Who costs what", plain.map((name, index) => [title(name), index === 0]),
    callers.map((caller) => plain.map((name) => cell(name, caller[name]))));
}

function showKafka({ kafka, topics, deadLetters }) {
  const brokers = kafka.brokers.map(({ address, state, lastFault }) =>
    [address, word(state, "BROKER_STATE_"), lastFault ? `${lastFault.reason} (${clock(Date.parse(lastFault.time))})` : ""]);
  const rows = topics.map(({ topic, state, since }) => [topic, word(state, "TOPIC_STATE_"), since ? clock(Date.parse(since)) : ""]);
  const parts = [table("Brokers", [["Broker", true], ["State", true], ["Last fault", true]], brokers),
    table("Topics", [["Topic", true], ["State", true], ["Since", true]], rows)];
  const letters = [deadLetters.deliveredCount, deadLetters.droppedCount, deadLetters.failedCount].map(Number);
  if (letters.some((of) => of > 0)) {
    parts.push(element("p", { class: "note" }, `Dead letters: ${count(letters[0])} delivered, ${count(letters[1])} dropped, ${count(letters[2])} failed`));
  }
  if (kafka.outageStartTime) parts.unshift(element("p", { class: "bad" }, `A client has had no broker since ${clock(Date.parse(kafka.outageStartTime))}.`));
  replace(content("brokers"), ...parts);
}
