// The charts of the page: which series each has.

import { Chart } from "./chart.js";
import { onModeChange } from "./colours.js";
import { byId } from "./elements.js";
import { sum } from "./past.js";
import { bytes, count, percent, rate, short, span } from "./units.js";

const TABLE_COLOURS = ["c0", "c1", "c2", "c3", "c4", "c5", "c7"];
/** Tables that a chart shows each by itself; the others are together. */
const MAX_TABLES = 5;

const REMOVALS = [["replaced", "c0"], ["deleted", "c1"], ["expired", "c2"], ["evicted", "c4"], ["evicted_for_pressure", "c3"]];
const RECORDS = [["stored", "c0"], ["replaced", "c5"], ["deleted", "c1"], ["deleted_nothing", "c6"],
  ["expired", "c2"], ["superseded", "c7"], ["filtered", "c3"], ["rejected", "c4"]];
const MISSES = [["loading", "c3"], ["never_seen", "c0"], ["expired", "c2"], ["evicted", "c4"], ["evicted_for_pressure", "c1"],
  ["deleted", "c5"], ["unknown", "c6"]];
const PERCENTILES = [["median", 0.5, "c0"], ["90 %", 0.9, "c1"], ["99 %", 0.99, "c4"]];
const MEMORY = [["kafka_client", "kafka client", "c1"], ["ingest", "ingest", "c2"], ["rpc", "rpc", "c3"],
  ["other_heap", "other heap", "c5"], ["allocator", "allocator", "c6"], ["outside_heap", "outside the heap", "c7"]];

const SPECS = [
  { id: "memory", title: "Memory by type", unit: "with the limit", format: bytes, axis: bytes, binary: true,
    isWide: true, isStacked: true, height: 240, most: memoryScale, series: memorySeries },
  { id: "records", title: "Records by outcome", unit: "a second", format: rate, axis: short, series: recordSeries },
  { id: "lookups", title: "Lookups", unit: "a second", format: rate, axis: short, series: lookupSeries },
  { id: "misses", title: "Misses by reason", unit: "a second", format: rate, axis: short, series: missSeries },
  { id: "ratio", title: "Hit ratio", unit: "of lookups", format: percent, axis: (value) => `${short(value)} %`,
    most: () => 104, series: ratioSeries },
  { id: "latency", title: "Lookup latency", unit: "of calls, from headers to response", format: span, axis: span, series: latencySeries },
  { id: "calls", title: "Calls", unit: "a second, of all methods", format: rate, axis: short, series: callSeries },
  { id: "entries", title: "Entries", unit: "held", format: count, axis: short, series: eachTable("entries") },
  { id: "removals", title: "Removals by cause", unit: "a second", format: rate, axis: short, series: removalSeries },
  { id: "weight", title: "Table weight", unit: "with the table's limit", format: bytes, axis: bytes, binary: true, series: weightSeries },
  { id: "lag", title: "Lag", unit: "records, of the partition with most", format: count, axis: short, series: eachTable("lag") },
  { id: "staleness", title: "Staleness", unit: "since the table was known to be complete", format: span, axis: span, series: eachTable("staleness") },
  { id: "callers", title: "Callers", unit: "open connections and calls", format: count, axis: short, series: callerSeries },
];

/** All charts, in the page. */
export class Charts {
  constructor(past) {
    this.past = past;
    this.charts = SPECS.map((spec) => new Chart(spec));
    byId("charts").replaceChildren(...this.charts.map((chart) => chart.root));
    onModeChange(() => this.charts.forEach((chart) => chart.uplot && chart.build()));
  }

  /** Shows a tier, for one table or all. */
  show(tier, tables) {
    const times = this.past.times(tier);
    const stages = this.past.values(tier, "memory.pressure");
    for (const chart of this.charts) {
      if (chart.spec.id === "memory") chart.shades = stages;
      chart.show(times, chart.spec.series(this.past, tier, tables), this.past.marks);
    }
  }
}

function names(past, tables) {
  const label = (table) => (past.layout.is_last_shared && table === past.layout.tables.at(-1) ? `${table} and others` : table);
  return tables.map((table) => [table, label(table)]);
}

/** A line for each table. */
function eachTable(name) {
  return (past, tier, tables) => names(past, tables).map(([table, label], index) => ({
    label, colour: TABLE_COLOURS[index % TABLE_COLOURS.length], values: past.values(tier, `${table}/${name}`),
  }));
}

function memorySeries(past, tier) {
  const tables = past.layout.tables;
  const alone = tables.slice(0, tables.length > MAX_TABLES ? MAX_TABLES - 1 : MAX_TABLES);
  const rest = tables.slice(alone.length).map((table) => past.values(tier, `${table}/memory`));
  const shown = names(past, alone).map(([table, label], index) => ({
    label: `table ${label}`, colour: index ? TABLE_COLOURS[index] : "c0", values: past.values(tier, `${table}/memory`),
  }));
  if (rest.length) shown.push({ label: "other tables", colour: "c4", values: sum(rest) });
  const types = MEMORY.map(([name, label, colour]) => ({ label, colour, values: past.values(tier, `memory.${name}`) }));
  const limit = { label: "limit", colour: "bad", isLimit: true, values: past.values(tier, "memory.limit") };
  return [...shown, ...types, limit];
}

/** Up to the limit if memory is near it: else its line would leave no room for the areas. */
function memoryScale(chart) {
  const limit = Math.max(...chart.series.at(-1).values, 0);
  const stack = chart.data.at(-2) ?? [];
  const peak = Math.max(...stack, 0);
  return peak > limit * 0.35 ? limit * 1.06 : peak * 1.25;
}

function recordSeries(past, tier, tables) {
  return byKind(past, tier, tables, "records", RECORDS);
}

function removalSeries(past, tier, tables) {
  return byKind(past, tier, tables, "removed", REMOVALS);
}

function missSeries(past, tier, tables) {
  return byKind(past, tier, tables, "missed", MISSES);
}

/** Percentiles of all lookups of the port, from how many took how long. */
function latencySeries(past, tier) {
  const bounds = past.layout.duration_bounds_seconds;
  const ranges = [...bounds, null].map((_, range) => past.values(tier, `lookups.took.${range}`));
  return PERCENTILES.map(([label, share, colour]) => ({
    label, colour, values: past.times(tier).map((_, index) => percentile(ranges.map((values) => values[index] ?? 0), bounds, share)),
  }));
}

/** Where a share of the counts lies: within a range as if they were spread evenly over it. */
export function percentile(counts, bounds, share) {
  const wanted = counts.reduce((all, count) => all + count, 0) * share;
  if (!(wanted > 0)) return null;
  let below = 0;
  for (let range = 0; range < bounds.length; range += 1) {
    if (below + counts[range] >= wanted) {
      const begin = range ? bounds[range - 1] : 0;
      return begin + (bounds[range] - begin) * ((wanted - below) / counts[range]);
    }
    below += counts[range];
  }
  return bounds.at(-1);
}

function byKind(past, tier, tables, group, kinds) {
  return kinds.map(([name, colour]) => ({
    label: name.replaceAll("_", " "), colour,
    values: sum(tables.map((table) => past.rates(tier, `${table}/${group}.${name}`))),
  }));
}

function lookupSeries(past, tier, tables) {
  return [["hits", "c0"], ["misses", "c4"]].map(([label, colour]) => ({
    label, colour, values: sum(tables.map((table) => past.rates(tier, `${table}/${label}`))),
  }));
}

function ratioSeries(past, tier, tables) {
  const [hits, misses] = lookupSeries(past, tier, tables);
  const values = hits.values.map((hit, index) => {
    const all = hit + misses.values[index];
    return hit === null || all === 0 ? null : (hit / all) * 100;
  });
  return [{ label: "hits", colour: "c0", values }];
}

function weightSeries(past, tier, tables) {
  const limit = sum(tables.map((table) => past.values(tier, `${table}/limit`)));
  return [...eachTable("weight")(past, tier, tables),
    { label: tables.length > 1 ? "limit of all" : "limit", colour: "bad", isLimit: true, values: limit }];
}

function callSeries(past, tier) {
  const kinds = [["handled", "calls", "c0"], ["failed", "failed", "c4"], ["shed", "shed", "c3"]];
  return kinds.map(([label, name, colour]) => ({ label, colour, values: past.rates(tier, `rpc.${name}`) }));
}

function callerSeries(past, tier) {
  return [
    { label: "connections", colour: "c0", values: past.values(tier, "rpc.connections") },
    { label: "calls", colour: "c1", values: past.values(tier, "rpc.streams") },
  ];
}
