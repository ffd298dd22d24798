// Profiles: asks for one and draws it as a flame graph, callers above what they call, with a table of the
// hottest functions below. A click or Enter enlarges a function, Escape shows all again.

import { Refusal, profile, switchHeapProfiler } from "./api.js";
import { byId, element, say, table } from "./elements.js";
import { bytes, percent, span } from "./units.js";

const ROW_PIXELS = 19;
const LEAST_PIXELS = 2;
const LISTED = 15;

/** Prepares the form. */
export function prepareProfiles() {
  byId("profile-form").addEventListener("submit", (event) => {
    event.preventDefault();
    run(take);
  });
  byId("profile-kind").addEventListener("change", showControls);
  byId("profile-start").addEventListener("click", () => run(() => switchTo(true)));
  byId("profile-stop").addEventListener("click", () => run(() => switchTo(false)));
  showControls();
}

function kind() {
  return byId("profile-kind").value;
}

function token() {
  return byId("profile-token").value.trim();
}

function showControls() {
  byId("profile-seconds-choice").hidden = kind() !== "cpu";
  for (const id of ["profile-start", "profile-stop"]) byId(id).hidden = kind() !== "heap";
}

async function run(work) {
  const said = byId("profile-said");
  const buttons = byId("profile-form").querySelectorAll("button");
  buttons.forEach((button) => { button.disabled = true; });
  said.className = "note";
  try {
    await work(said);
  } catch (error) {
    said.className = "bad";
    say(said, error instanceof Refusal && error.status === 409 && kind() === "heap"
      ? "The heap profiler is off. Start it, wait until memory has grown, and take the profile."
      : error.message);
  }
  buttons.forEach((button) => { button.disabled = false; });
}

async function switchTo(active) {
  say(byId("profile-said"), await switchHeapProfiler(active, token()));
}

async function take(said) {
  const seconds = Math.min(60, Math.max(1, Number(byId("profile-seconds").value) || 5));
  say(said, kind() === "cpu" ? `Sampling for ${seconds} s…` : "Reading the profile…");
  const taken = await profile(kind(), seconds, token());
  const what = taken.kind === "cpu"
    ? `${amount(taken, taken.total)} of CPU time in ${span(taken.seconds)}, by a sample for each 10 ms of a thread`
    : `${amount(taken, taken.total)} that was allocated in the last ${span(taken.seconds)} and is still in use, by a sample for each MiB`;
  say(said, taken.total ? what : `${what}: nothing was sampled`);
  byId("profile-result").replaceChildren(...(taken.total ? [new FlameGraph(taken).shown, hottest(taken)] : []));
}

function amount({ unit }, value) {
  return unit === "bytes" ? bytes(value) : span(value / 1e9);
}

function hottest(taken) {
  const share = (value) => percent((value / taken.total) * 100);
  const rows = taken.hottest.slice(0, LISTED).map(([name, own, total]) =>
    [element("span", { class: "mono" }, taken.names[name]), amount(taken, own), share(own), amount(taken, total), share(total)]);
  const columns = [["Function", true], ["Itself", false], ["%", false], ["With what it calls", false], ["%", false]];
  return table("Hottest functions", columns, rows);
}

/** The colour of a function: whose code it is. */
function owner(name) {
  if (/^thread |^\(/.test(name)) return "of-thread";
  if (/millpond/.test(name)) return "of-millpond";
  if (/^(rd_|rdkafka|unittest_)|rdkafka/.test(name)) return "of-kafka";
  if (/tokio|hyper|h2::|tonic|axum|tower/.test(name)) return "of-rpc";
  return "of-other";
}

class FlameGraph {
  constructor(taken) {
    this.taken = taken;
    this.nodes = placed(taken);
    this.zoomed = null;
    this.current = 0;
    const label = `Flame graph of ${taken.kind === "cpu" ? "CPU time" : "memory in use"}: arrow keys move, Enter enlarges, Escape shows all`;
    this.frames = element("div", { class: "flame", role: "group", "aria-label": label });
    this.said = element("p", { class: "said" });
    this.shown = element("div", {}, this.frames, this.said);
    this.frames.addEventListener("keydown", (event) => this.move(event));
    this.frames.addEventListener("focusin", (event) => this.describe(Number(event.target.dataset.node)));
    this.frames.addEventListener("mouseover", (event) => this.describe(Number(event.target.dataset.node)));
    this.frames.addEventListener("click", (event) => event.target.dataset.node && this.zoom(Number(event.target.dataset.node)));
    new ResizeObserver(() => this.draw()).observe(this.frames);
  }

  /** Where a node begins and how wide it is, as shares of the width; null if it is not shown. */
  place(node) {
    if (this.zoomed === null) return [node.start, node.share];
    const to = this.nodes[this.zoomed];
    if (node.index < this.zoomed) return this.isAbove(node, to) ? [0, 1] : null;
    const inside = node.start >= to.start - 1e-9 && node.start + node.share <= to.start + to.share + 1e-9 && node.depth >= to.depth;
    return inside ? [(node.start - to.start) / to.share, node.share / to.share] : null;
  }

  isAbove(node, below) {
    for (let at = below.parent; at !== null; at = this.nodes[at].parent) if (at === node.index) return true;
    return false;
  }

  draw() {
    const width = this.frames.clientWidth;
    const had = this.frames.contains(document.activeElement);
    const shown = [];
    let deepest = 0;
    for (const node of this.nodes) {
      const place = this.place(node);
      if (!place || place[1] * width < LEAST_PIXELS) continue;
      deepest = Math.max(deepest, node.depth);
      shown.push(this.frame(node, place));
    }
    this.frames.replaceChildren(...shown);
    this.frames.style.height = `${(deepest + 1) * ROW_PIXELS}px`;
    if (had) this.focus(this.current);
  }

  frame(node, [start, share]) {
    const name = this.taken.names[node.name];
    const made = element("button", { type: "button", class: owner(name), tabindex: node.index === this.current ? "0" : "-1",
      "data-node": String(node.index), "aria-label": this.text(node) }, name);
    made.style.left = `${(start * 100).toFixed(3)}%`;
    made.style.width = `${(share * 100).toFixed(3)}%`;
    made.style.top = `${node.depth * ROW_PIXELS}px`;
    return made;
  }

  text({ name, total, own }) {
    const itself = own ? `, itself ${amount(this.taken, own)}` : "";
    return `${this.taken.names[name]}: ${amount(this.taken, total)}, ${percent((total / this.taken.total) * 100)}${itself}`;
  }

  describe(index) {
    const node = this.nodes[index];
    if (node) say(this.said, this.text(node));
  }

  zoom(index) {
    this.current = index;
    this.zoomed = this.zoomed === index ? null : index;
    this.draw();
  }

  focus(index) {
    const target = this.frames.querySelector(`[data-node="${index}"]`);
    if (!target) return;
    this.frames.querySelectorAll('[tabindex="0"]').forEach((frame) => frame.setAttribute("tabindex", "-1"));
    target.setAttribute("tabindex", "0");
    this.current = index;
    target.focus();
  }

  move(event) {
    const node = this.nodes[Number(event.target.dataset.node)];
    if (!node) return;
    if (event.key === "Escape") {
      this.zoomed = null;
      this.draw();
      return;
    }
    // A frame that is too narrow is not there to go to.
    const isShown = ({ index }) => this.frames.querySelector(`[data-node="${index}"]`) !== null;
    const siblings = this.nodes.filter((other) => other.parent === node.parent && isShown(other));
    const at = siblings.indexOf(node);
    const next = {
      ArrowUp: this.nodes[node.parent ?? -1],
      ArrowDown: this.nodes.find((other) => other.parent === node.index && isShown(other)),
      ArrowLeft: siblings[at - 1],
      ArrowRight: siblings[at + 1],
    }[event.key];
    if (!next) return;
    event.preventDefault();
    this.focus(next.index);
  }
}

/** The nodes with their places: each begins where its caller does, after its siblings. */
function placed({ nodes, total }) {
  const above = [];
  const ends = [0];
  return nodes.map(([depth, name, value, own], index) => {
    const node = { index, depth, name, total: value, own, start: ends[depth], share: value / total, parent: depth ? above[depth - 1] : null };
    above[depth] = index;
    ends[depth] = node.start + node.share;
    ends[depth + 1] = node.start;
    return node;
  });
}
