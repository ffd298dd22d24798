// The history as the page has it: the rows of each tier, and the marks.

import * as api from "./api.js";

/** The samples of one tier: rows of values, whose numbers follow each other. */
class Tier {
  constructor({ step_seconds: step, samples }) {
    this.step = step;
    this.samples = samples;
    this.rows = [];
  }

  get newest() {
    return this.rows.length ? this.rows[this.rows.length - 1][0] : 0;
  }

  /** Takes rows of the service: the first may be the newest one again. */
  take(rows) {
    if (!rows.length) return;
    const first = rows[0][0];
    if (this.rows.length && first > this.newest + 1) this.rows = [];
    while (this.rows.length && this.newest >= first) this.rows.pop();
    this.rows.push(...rows);
    if (this.rows.length > this.samples) this.rows.splice(0, this.rows.length - this.samples);
  }
}

/** What the service keeps of the past. */
export class Past {
  constructor(layout) {
    this.layout = layout;
    this.origin = null;
    this.marks = [];
    const names = layout.service_series.map((series) => series.name);
    this.places = new Map(names.map((name, index) => [name, 1 + index]));
    layout.tables.forEach((table, number) => {
      const begin = 1 + names.length + number * layout.table_series.length;
      layout.table_series.forEach((series, index) => this.places.set(`${table}/${series.name}`, begin + index));
    });
    this.tiers = layout.tiers.map((tier) => new Tier(tier));
  }

  /** Reads what is new in a tier. */
  async refresh(number) {
    const tier = this.tiers[number];
    for (;;) {
      const after = this.marks.length ? this.marks[this.marks.length - 1].number : 0;
      const part = await api.history(number, tier.newest, after);
      if (this.origin !== null && part.origin_millis !== this.origin) return this.forget(part.origin_millis);
      this.origin = part.origin_millis;
      tier.take(part.rows);
      this.marks.push(...part.marks.filter((mark) => mark.number > after));
      if (this.marks.length > 256) this.marks.splice(0, this.marks.length - 256);
      if (!part.has_more || !part.rows.length) return undefined;
    }
  }

  /** The service was started again. */
  forget(origin) {
    this.origin = origin;
    this.marks = [];
    for (const tier of this.tiers) tier.rows = [];
  }

  /** The times of the samples, in seconds. The newest of a coarse tier is not complete, and left out. */
  times(number) {
    const tier = this.tiers[number];
    return this.shown(number).map((row) => this.origin / 1000 + row[0] * tier.step);
  }

  /** The values of a series. */
  values(number, name) {
    const place = this.places.get(name);
    return this.shown(number).map((row) => row[place]);
  }

  /** A counter's growth, for each second. */
  rates(number, name) {
    const { step } = this.tiers[number];
    return this.values(number, name).map((value) => (value === null ? null : value / step));
  }

  shown(number) {
    const { rows } = this.tiers[number];
    return number === 0 || rows.length < 2 ? rows : rows.slice(0, -1);
  }
}

/** The sums of lists of values: not known where one is not. */
export function sum(lists) {
  if (!lists.length) return [];
  return lists[0].map((_, index) =>
    lists.reduce((total, list) => (total === null || list[index] === null ? null : total + list[index]), 0));
}
