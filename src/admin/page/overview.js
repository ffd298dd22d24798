// The strip at the top: the state of the service in seven tiles.

import { bar, byId, element, say } from "./elements.js";
import { sum } from "./past.js";
import { bytes, count, isKnown, percent, rate, seconds, span, word } from "./units.js";

const SPARK_SAMPLES = 180;
const TILES = ["state", "memory", "entries", "records", "lookups", "ratio", "callers"];
const TITLES = { state: "State", memory: "Memory", entries: "Entries", records: "Records", lookups: "Lookups", ratio: "Hit ratio", callers: "Callers" };

/** The tiles. */
export class Overview {
  constructor() {
    this.tiles = {};
    for (const id of TILES) {
      const tile = { value: element("p", { class: "value" }), more: element("p", { class: "more" }), foot: element("div") };
      tile.root = element("li", { class: "tile", id: `tile-${id}` },
        element("h2", { class: "name" }, TITLES[id]), tile.value, tile.more, tile.foot);
      this.tiles[id] = tile;
    }
    byId("overview").replaceChildren(...TILES.map((id) => this.tiles[id].root));
  }

  /** Shows a snapshot, and the last minutes of its past if there is one. */
  show(snapshot, past, tables) {
    this.showState(snapshot);
    this.showMemory(snapshot.memory);
    const shown = snapshot.tables.filter((table) => !past || tables.includes(table.name) || tables.length === past.layout.tables.length);
    const total = (name) => shown.reduce((all, table) => all + Number(table[name]), 0);
    this.set("entries", count(total("entryCount")), `${bytes(total("weightBytes"))} of ${bytes(total("limitBytes"))}`);
    const lag = snapshot.partitions.reduce((most, partition) => Math.max(most, Number(partition.lagRecords)), 0);
    const { rpc } = snapshot;
    const shed = rpc.shedCalls.reduce((all, { count: of }) => all + Number(of), 0);
    this.set("callers", count(Number(rpc.openConnectionCount)), `${rpc.openCallCount} calls open, ${count(shed)} shed`);
    if (!past) return this.withoutPast(lag, total);
    const records = sum(tables.flatMap((table) => past.layout.table_series
      .filter(({ name }) => name.startsWith("records."))
      .map(({ name }) => past.values(0, `${table}/${name}`))));
    const [hits, misses] = ["hits", "misses"].map((name) => sum(tables.map((table) => past.values(0, `${table}/${name}`))));
    const lookups = sum([hits, misses]);
    this.set("records", rate(mean(records)), `lag ${count(lag)}`, records);
    this.set("lookups", rate(mean(lookups)), `${count(total("hitCount") + total("missCount"))} since the start`, lookups);
    const ratio = hits.map((hit, index) => (lookups[index] ? (hit / lookups[index]) * 100 : null));
    const [hit, all] = [hits, lookups].map((list) => list.slice(-60).reduce((a, b) => a + (b ?? 0), 0));
    this.set("ratio", percent(all ? (hit / all) * 100 : NaN), "over the last minute", ratio);
    this.spark("entries", sum(tables.map((table) => past.values(0, `${table}/entries`))));
    this.spark("callers", past.values(0, "rpc.connections"));
    return undefined;
  }

  withoutPast(lag, total) {
    const [hits, misses] = [total("hitCount"), total("missCount")];
    this.set("records", "–", `lag ${count(lag)}`);
    this.set("lookups", count(hits + misses), "since the start");
    this.set("ratio", percent((hits / (hits + misses)) * 100), "since the start");
  }

  showState({ ready, tables, uptime }) {
    const loading = tables.filter((table) => table.loading);
    const staleness = Math.max(...tables.map((table) => seconds(table.asOf?.staleness) ));
    const [text, kind] = ready && !loading.length ? ["Ready", "good"] : ready ? ["Ready, loading", "warn"] : ["Loading", "warn"];
    const tile = this.tiles.state;
    tile.value.replaceChildren(element("span", { class: kind }, element("span", { class: "dot", "aria-hidden": "true" })), text);
    const left = Math.max(...loading.map((table) => seconds(table.loading.timeLeft)));
    const stale = isKnown(staleness) ? `complete ${span(staleness)} ago` : "not complete yet";
    say(tile.more, loading.length ? (isKnown(left) ? `about ${span(left)} left` : "reading its backlog") : stale);
    tile.foot.replaceChildren(...(loading.length
      ? [bar(progress(loading))]
      : [element("p", { class: "more" }, `up ${span(seconds(uptime))}`)]));
  }

  showMemory(memory) {
    const [used, limit] = [Number(memory.currentBytes), Number(memory.limitBytes)];
    const tile = this.tiles.memory;
    const stage = word(memory.pressure.stage, "PRESSURE_STAGE_");
    const share = `${percent((used / limit) * 100)} of ${bytes(limit)}`;
    say(tile.value, bytes(used));
    tile.more.replaceChildren(stage === "normal" ? share : element("span", { class: "bad" }, `${share}, ${stage}`));
    tile.foot.replaceChildren(bar(used / limit));
  }

  set(id, value, more, values) {
    say(this.tiles[id].value, value);
    say(this.tiles[id].more, more);
    if (values) this.spark(id, values);
  }

  /** A line of the last values. What it shows is in the charts, with axes. */
  spark(id, values) {
    const shown = values.slice(-SPARK_SAMPLES).map((value) => value ?? 0);
    const most = Math.max(...shown, 0) || 1;
    const points = shown.map((value, index) => `${index},${(19 - (value / most) * 18).toFixed(1)}`);
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", `0 0 ${Math.max(1, shown.length - 1)} 20`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(space, "polyline");
    line.setAttribute("points", points.join(" "));
    svg.append(line);
    this.tiles[id].foot.replaceChildren(svg);
  }
}

function progress(tables) {
  const [done, left] = ["doneRecords", "remainingRecords"].map((name) =>
    tables.reduce((all, table) => all + Number(table.loading[name]), 0));
  return done / Math.max(1, done + left);
}

/** The mean of the last three seconds: one second alone jumps. */
function mean(values) {
  const last = values.slice(-3).filter(isKnown);
  return last.length ? last.reduce((all, value) => all + value, 0) / last.length : NaN;
}
