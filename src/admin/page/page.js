// Starts the page and keeps it current: each second a snapshot and what is new in the history, as long
// as somebody looks at it.

import * as api from "./api.js";
import { Charts } from "./charts.js";
import { byId, element, say } from "./elements.js";
import { showLists } from "./lists.js";
import { prepareLookup } from "./lookup.js";
import { Overview } from "./overview.js";
import { Past } from "./past.js";
import { prepareProfiles } from "./profiles.js";
import { clock, seconds, span } from "./units.js";

const POLL_MILLIS = 1_000;
const ALL = "";

/** What the page shows, for tests and for the curious. */
const page = { past: null, charts: null, snapshot: null, tier: 0, failures: 0 };
window.millpond = page;

let overview = null;
let lastAnswer = Date.now();

async function start() {
  const layout = await api.layout();
  page.past = layout.history ? new Past(layout.history) : null;
  page.charts = page.past ? new Charts(page.past) : null;
  byId("no-history").hidden = Boolean(page.past);
  overview = new Overview();
  page.snapshot = await api.snapshot();
  const tables = page.snapshot.tables.map(({ name }) => name);
  prepareLookup(tables);
  prepareProfiles();
  prepareChoices(page.past ? page.past.layout.tables : tables);
  say(byId("build"), `millpond ${layout.version}, configuration ${page.snapshot.configDigest}, librdkafka ${page.snapshot.build.librdkafkaVersion}`);
}

function prepareChoices(tables) {
  const options = tables.map((name) => element("option", { value: name }, name));
  byId("table").replaceChildren(element("option", { value: ALL }, "all tables"), ...options);
  byId("table-choice").hidden = tables.length < 2;
  byId("choices").addEventListener("submit", (event) => event.preventDefault());
  byId("choices").addEventListener("change", () => {
    page.tier = Number(new FormData(byId("choices")).get("range"));
    refresh();
  });
}

function shownTables() {
  const all = page.past ? page.past.layout.tables : page.snapshot.tables.map(({ name }) => name);
  const chosen = byId("table").value;
  return chosen === ALL ? all : [chosen];
}

/** Reads what is new and shows it. */
async function refresh() {
  if (page.past) {
    await page.past.refresh(0);
    if (page.tier > 0) await page.past.refresh(page.tier);
  }
  page.snapshot = await api.snapshot();
  const tables = shownTables();
  say(byId("service"), `${location.host}, up ${span(seconds(page.snapshot.uptime))}`);
  overview.show(page.snapshot, page.past, tables);
  page.charts?.show(page.tier, tables);
  showLists(page.snapshot, page.past?.marks ?? []);
}

async function poll() {
  try {
    if (!overview) await start();
    if (!document.hidden) await refresh();
    lastAnswer = Date.now();
    page.failures = 0;
    byId("trouble").hidden = true;
  } catch (error) {
    page.failures += 1;
    byId("trouble").hidden = false;
    say(byId("trouble"), `No answer from the service since ${clock(lastAnswer)}; trying again. (${error.message})`);
  }
  // A service that does not answer is asked less often.
  setTimeout(poll, POLL_MILLIS * Math.min(10, 1 + page.failures));
}

document.addEventListener("visibilitychange", () => !document.hidden && overview && refresh().catch(() => {}));
poll();
