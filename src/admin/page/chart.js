// One chart: a figure with a legend that shows values, a plot, what changed, and a table beside it.

/* global uPlot */

import { DASHES, colour } from "./colours.js";
import { element, say, table } from "./elements.js";
import { clock, day, isKnown } from "./units.js";

const NARROW = 380;
/** A label is no wider, and a line lower than this share of the chart has none. */
const MAX_LABEL_WIDTH = 112;
const LOW = 0.02;
const TABLE_ROWS = 30;

/**
 * A chart of `spec`: {id, title, unit, format, isWide, isStacked, height, binary, most, shade}.
 * `show` gets the times, the series as {label, values, colour, isLimit} and the marks.
 */
export class Chart {
  constructor(spec) {
    this.spec = spec;
    this.legend = element("ul", { class: "legend" });
    this.time = element("time", {});
    this.plot = element("div", { class: "plot", role: "img", tabindex: "0" });
    this.said = element("p", { class: "said" });
    this.rows = element("div", { class: "rows" });
    this.details = element("details", { class: "data" }, element("summary", {}, `Table: ${spec.title}`), this.rows);
    this.details.addEventListener("toggle", () => this.fillTable());
    const title = element("h3", {}, spec.title, element("span", { class: "unit" }, ` ${spec.unit}`));
    this.root = element("figure", { class: spec.isWide ? "chart wide" : "chart", id: `chart-${spec.id}` },
      element("figcaption", {}, title, this.time), this.legend, this.plot, this.said, this.details);
    this.plot.addEventListener("keydown", (event) => this.moveCursor(event));
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.plot);
    this.series = [];
    this.times = [];
    this.marks = [];
  }

  show(times, series, marks) {
    const isSame = this.uplot && series.length === this.series.length
      && series.every(({ label }, index) => label === this.series[index].label);
    Object.assign(this, { times, series, marks });
    this.data = [times, ...this.heights()];
    if (!isSame) this.build();
    else this.uplot.setData(this.data);
    this.showValues();
    this.describe();
    if (this.details.open) this.fillTable();
  }

  /** What is drawn: the values, or for a stack the sums of the values from the bottom up. */
  heights() {
    if (!this.spec.isStacked) return this.series.map(({ values }) => values);
    let below = this.times.map(() => 0);
    return this.series.map(({ values, isLimit }) => {
      if (isLimit) return values;
      below = values.map((value, index) => (value === null || below[index] === null ? null : below[index] + value));
      return below;
    });
  }

  /** Draws anew: with other series, or other colours. */
  build() {
    this.uplot?.destroy();
    this.uplot = new uPlot(this.options(), this.data, this.plot);
    const item = ({ label, colour: name, isLimit }, index) => {
      const swatch = element("span", { class: this.isArea(isLimit) ? "swatch area" : "swatch", "aria-hidden": "true" });
      swatch.style[this.isArea(isLimit) ? "background" : "borderTopColor"] = colour(name);
      if (!this.isArea(isLimit)) swatch.style.borderTopStyle = ["solid", "dashed", "dotted"][isLimit ? 1 : index % 3];
      return element("li", {}, swatch, element("span", { class: "label" }, label), element("b", {}, ""));
    };
    this.legend.replaceChildren(...this.series.map(item));
  }

  isArea(isLimit) {
    return this.spec.isStacked && !isLimit;
  }

  width() {
    return Math.max(200, Math.floor(this.plot.clientWidth));
  }

  options() {
    const width = this.width();
    this.labelWidth = width < NARROW ? 0 : this.widestLabel();
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: colour("quiet"), font, grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false } };
    const bands = [];
    this.series.forEach(({ isLimit }, index) => {
      if (this.isArea(isLimit) && index > 0) bands.push({ series: [index + 1, index] });
    });
    return {
      width,
      height: this.spec.height ?? 160,
      padding: [8, this.labelWidth || 8, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: "page" }, drag: { x: false, y: false }, points: { show: !this.spec.isStacked, size: 5 }, y: false },
      scales: { x: { time: true }, y: { range: (_, __, most) => [0, this.most(most)] } },
      axes: [
        { ...axis, size: 26, gap: 4, space: 64, values: (_, splits, __, ___, step) => splits.map((time) => timeText(time, step)) },
        { ...axis, size: 58, space: 34, incrs: this.spec.binary ? BINARY_STEPS : undefined,
          values: (_, splits) => splits.map((value) => this.spec.axis(value)) },
      ],
      series: [{}, ...this.series.map((each, index) => this.line(each, index))],
      bands,
      hooks: {
        drawClear: [(u) => this.drawShades(u)],
        draw: [(u) => this.drawMarks(u), (u) => this.drawLabels(u)],
        setCursor: [() => this.showValues()],
      },
    };
  }

  line({ colour: name, isLimit }, index) {
    const stroke = colour(name);
    const isArea = this.isArea(isLimit);
    return {
      stroke,
      width: isLimit ? 1.5 : isArea ? 1 : 1.75,
      dash: isArea ? [] : isLimit ? [6, 4] : DASHES[index % DASHES.length],
      fill: isArea ? `${stroke}99` : undefined,
      // A value between two that are not known has no line, so it gets a point.
      points: { show: !isArea, size: 4, fill: stroke, filter: (u, at) => lonely(u.data[at]) },
      spanGaps: false,
    };
  }

  most(most) {
    return (this.spec.most ? this.spec.most(this, most ?? 0) : (most ?? 0) * 1.12) || 1;
  }

  resize() {
    if (!this.uplot) return;
    const hadLabels = this.labelWidth > 0;
    const width = this.width();
    if (width === this.uplot.width) return;
    if (hadLabels !== width >= NARROW) this.build();
    else this.uplot.setSize({ width, height: this.spec.height ?? 160 });
  }

  /** The space for the labels of the series that have one now. */
  widestLabel() {
    const last = (values) => values[this.times.length - 1] ?? 0;
    const lines = this.series.filter(({ isLimit }) => !isLimit);
    const most = Math.max(...lines.map(({ values }) => last(values)), 0);
    const shown = lines.filter(({ values }) => lines.length <= 2 || last(values) >= most * LOW);
    const length = Math.max(6, ...shown.map(({ label }) => label.length));
    return Math.min(MAX_LABEL_WIDTH, 14 + 6.2 * length);
  }

  /** Times in which something is out of the ordinary: `spec.shade` says of a sample whether. */
  drawShades(u) {
    if (!this.shades) return;
    const { ctx, bbox } = u;
    ctx.save();
    ctx.fillStyle = colour("shade");
    const half = this.times.length > 1 ? (this.times[1] - this.times[0]) / 2 : 0.5;
    this.shades.forEach((level, index) => {
      if (!(level > 0)) return;
      const [left, right] = [-half, half].map((offset) => u.valToPos(this.times[index] + offset, "x", true));
      for (let n = 0; n < level; n += 1) ctx.fillRect(left, bbox.top, right - left, bbox.height);
    });
    ctx.restore();
  }

  drawMarks(u) {
    const { ctx, bbox } = u;
    ctx.save();
    for (const mark of this.visibleMarks()) {
      const x = Math.round(u.valToPos(mark.time_millis / 1000, "x", true)) + 0.5;
      ctx.strokeStyle = ctx.fillStyle = colour(MARK_COLOURS[mark.kind] ?? "quiet");
      ctx.lineWidth = uPlot.pxRatio;
      ctx.globalAlpha = this.spec.isWide ? 0.8 : 0.45;
      ctx.setLineDash([2 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const size = 4 * uPlot.pxRatio;
      ctx.beginPath();
      ctx.moveTo(x - size, bbox.top);
      ctx.lineTo(x + size, bbox.top);
      ctx.lineTo(x, bbox.top + 1.5 * size);
      ctx.fill();
    }
    ctx.restore();
  }

  visibleMarks() {
    const [first, last] = [this.times[0], this.times[this.times.length - 1]];
    return this.marks.filter(({ time_millis: time }) => time / 1000 >= first && time / 1000 <= last);
  }

  /** The name of each series at its end, so that nobody has to tell colours apart. */
  drawLabels(u) {
    if (!this.labelWidth || !this.times.length) return;
    const { ctx, bbox } = u;
    const ratio = uPlot.pxRatio;
    const { max } = u.scales.y;
    const labels = this.labelHeights().filter(({ value, isThin }) => isKnown(value) && !isThin && value <= max * 1.001)
      .map((label) => ({ ...label, y: u.valToPos(label.value, "y", true) }));
    labels.sort((one, other) => one.y - other.y);
    let free = bbox.top;
    for (const label of labels) {
      label.y = Math.max(label.y, free + 6 * ratio);
      free = label.y + 7 * ratio;
    }
    ctx.save();
    ctx.font = `${11 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    for (const { label, y, colour: name } of labels) {
      if (y > bbox.top + bbox.height + 6 * ratio) continue;
      ctx.fillStyle = colour(name);
      ctx.fillText(label, bbox.left + bbox.width + 7 * ratio, y, (this.labelWidth - 8) * ratio);
    }
    ctx.restore();
  }

  /** Where the label of each series belongs: at its line, or in the middle of its area. */
  labelHeights() {
    const last = this.times.length - 1;
    const max = this.uplot?.scales.y.max ?? 0;
    let below = 0;
    return this.series.map(({ label, values, colour: name, isLimit }, index) => {
      const value = this.data[index + 1][last];
      if (!this.isArea(isLimit)) return { label, value, colour: name, isThin: this.series.length > 2 && value < max * LOW };
      const middle = (below + value) / 2;
      below = value;
      // One that is too thin to see is in the legend alone.
      return { label, value: middle, colour: name, isThin: values[last] < max * LOW };
    });
  }

  /** Shows the values at the cursor, or the newest ones. */
  showValues() {
    const at = this.uplot?.cursor.idx;
    const index = isKnown(at) ? at : this.times.length - 1;
    [...this.legend.children].forEach((item, number) => {
      say(item.lastChild, this.spec.format(this.series[number].values[index]));
    });
    say(this.time, isKnown(at) && this.times.length ? clock(this.times[index] * 1000) : "");
    say(this.said, isKnown(at) ? this.markNear(index) : "");
  }

  markNear(index) {
    const step = this.times.length > 1 ? this.times[1] - this.times[0] : 1;
    const reach = Math.max(step, (this.times[this.times.length - 1] - this.times[0]) / 120);
    const near = this.visibleMarks().filter(({ time_millis: time }) => Math.abs(time / 1000 - this.times[index]) <= reach);
    return near.map(({ text }) => text).join(" · ");
  }

  describe() {
    const last = this.times.length - 1;
    const values = this.series.map(({ label, values: of }) => `${label} ${this.spec.format(of[last])}`);
    this.plot.setAttribute("aria-label", `${this.spec.title}, ${this.spec.unit}: ${values.join(", ")}. Arrow keys move the cursor.`);
  }

  moveCursor(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
    if (!step || !this.uplot || !this.times.length) return;
    event.preventDefault();
    const last = this.times.length - 1;
    const at = Math.min(last, Math.max(0, (this.uplot.cursor.idx ?? last) + step));
    this.uplot.setCursor({ left: this.uplot.valToPos(this.times[at], "x"), top: 10 });
  }

  fillTable() {
    if (!this.details.open || this.rows.contains(document.activeElement)) return;
    const columns = [["Time", true], ...this.series.map(({ label }) => [label, false])];
    const begin = Math.max(0, this.times.length - TABLE_ROWS);
    const rows = [];
    for (let index = this.times.length - 1; index >= begin; index -= 1) {
      rows.push([clock(this.times[index] * 1000), ...this.series.map(({ values }) => this.spec.format(values[index]))]);
    }
    this.rows.replaceChildren(table(`${this.spec.title}, the last ${rows.length} samples`, columns, rows));
  }
}

/** Where a value stands alone. */
function lonely(values) {
  const isGap = (index) => !isKnown(values[index]);
  return values.flatMap((value, index) => (isKnown(value) && isGap(index - 1) && isGap(index + 1) ? [index] : []));
}

export const MARK_COLOURS = { state: "good", pressure: "warn", kafka: "accent", fault: "bad" };

const BINARY_STEPS = Array.from({ length: 44 }, (_, power) => 2 ** power);

function timeText(time, step) {
  const date = new Date(time * 1000);
  if (step >= 86400 || (step >= 3600 && date.getHours() === 0)) return day(time * 1000);
  const text = date.toLocaleTimeString("en-GB");
  return step < 60 ? text : text.slice(0, 5);
}
