// Opens the dashboard in a real browser and checks what it shows against the service's own figures.
//
//     node dashboard.mjs URL FOLDER KEY TOKEN
//
// The service has a past of some seconds and does nothing meanwhile, and its first table has an entry
// under KEY. TOKEN is that of calls that change the process. Prints what is wrong, a line each, and ends with 1 if anything is. Screenshots go to FOLDER.

import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [url, folder, key, token] = process.argv.slice(2);
const base = new URL(url);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(folder, { recursive: true });

const MODES = [
  { name: "light", colorScheme: "light", viewport: { width: 1440, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1440, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
];

const faults = [];
let mode = "";
function check(isRight, text) {
  if (!isRight) faults.push(`${mode}: ${text}`);
}
function same(name, found, expected) {
  const near = Math.abs(found - expected) <= 1e-6 * Math.abs(expected);
  check(near, `${name} is ${found} on the page and ${expected} in the snapshot`);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  for (const each of MODES) {
    mode = each.name;
    await visit(each);
  }
} finally {
  await browser.close();
}
for (const fault of faults) console.log(fault);
process.exitCode = faults.length ? 1 : 0;

async function visit({ name, ...options }) {
  const context = await browser.newContext(options);
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  const page = await context.newPage();
  page.on("console", (message) => check(message.type() !== "error", `console: ${message.text()}`));
  page.on("pageerror", (error) => check(false, `error: ${error.message}`));
  page.on("request", (request) => check(new URL(request.url()).host === base.host, `asks ${request.url()}`));
  await page.goto(url);
  await page.waitForFunction(() => window.millpond?.charts?.charts[0]?.times.length > 2, null, { timeout: 30_000 });
  await page.waitForFunction(() => document.querySelectorAll("#partitions tbody tr").length > 0);
  await checkFigures(page);
  await checkLookups(page);
  await checkProfiles(page);
  await checkKeyboard(page);
  await checkWidth(page);
  await page.evaluate(() => {
    document.activeElement.blur();
    window.scrollTo(0, 0);
  });
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  await checkRanges(page);
  check((await page.evaluate(() => window.violations)).length === 0, `policy: ${await page.evaluate(() => window.violations.join())}`);
  await checkAccess(page);
  await context.close();
}

/** What the charts hold is what the snapshot says, once the history has the last second. */
async function checkFigures(page) {
  const before = faults.length;
  for (let attempt = 0; attempt < 20; attempt += 1) {
    faults.length = before;
    await compareFigures(page);
    if (faults.length === before) return;
    await page.waitForTimeout(500);
  }
}

async function compareFigures(page) {
  const { snapshot, charts } = await page.evaluate(async () => {
    // Both of one moment: the page shows a snapshot when it has shown it.
    const held = Object.fromEntries(window.millpond.charts.charts.map((chart) =>
      [chart.spec.id, { series: chart.series.map(({ label, values }) => ({ label, values })),
        drawn: chart.uplot.data.slice(1).map((values) => values.at(-1)),
        legend: [...chart.legend.children].map((item) => item.textContent) }]));
    return { snapshot: await (await fetch("/api/snapshot")).json(), charts: held };
  });
  const tables = snapshot.tables;
  const total = (list, name) => list.reduce((all, each) => all + Number(each[name]), 0);
  const grown = (id, label) => charts[id].series.find((series) => series.label === label).values.reduce((all, value) => all + (value ?? 0), 0);
  const last = (id, label) => charts[id].series.find((series) => series.label === label).values.at(-1);
  same("hits", grown("lookups", "hits"), total(tables, "hitCount"));
  same("misses", grown("lookups", "misses"), total(tables, "missCount"));
  const misses = tables.flatMap((table) => table.misses);
  for (const { reason } of tables[0].misses) {
    const label = reason.replace("MISS_REASON_", "").replaceAll("_", " ").toLowerCase();
    same(`missed: ${label}`, grown("misses", label), total(misses.filter((each) => each.reason === reason), "count"));
  }
  check(last("latency", "median") === null, "the latency of no lookup");
  check(charts.latency.series[2].values.some((value) => value > 0), "the latency of the lookups");
  const removals = tables.flatMap((table) => table.removals);
  for (const { cause } of tables[0].removals) {
    const label = cause.replace("REMOVAL_CAUSE_", "").replaceAll("_", " ").toLowerCase();
    same(`removed: ${label}`, grown("removals", label), total(removals.filter((each) => each.cause === cause), "count"));
  }
  const records = snapshot.partitions.flatMap((partition) => partition.records);
  for (const { outcome } of snapshot.partitions[0].records) {
    const label = outcome.replace("RECORD_OUTCOME_", "").replace("_ON_ARRIVAL", "").replaceAll("_", " ").toLowerCase();
    same(`records: ${label}`, grown("records", label), total(records.filter((each) => each.outcome === outcome), "count"));
  }
  for (const table of tables) {
    same(`entries of ${table.name}`, last("entries", table.name), Number(table.entryCount));
    same(`weight of ${table.name}`, last("weight", table.name), Number(table.weightBytes));
    const lags = snapshot.partitions.filter((partition) => partition.table === table.name).map(({ lagRecords }) => Number(lagRecords));
    same(`lag of ${table.name}`, last("lag", table.name), Math.max(...lags));
  }
  same("memory limit", last("memory", "limit"), Number(snapshot.memory.limitBytes));
  const types = charts.memory.series.slice(0, -1).map(({ values }) => values.at(-1));
  const stack = types.reduce((all, value) => all + value, 0);
  check(Math.abs(charts.memory.drawn.at(-2) - stack) <= 1, "the areas of memory add up to the top of the stack");
  const rss = Number(snapshot.memory.rssBytes) + Number(snapshot.memory.untouchedBytes);
  check(Math.abs(stack - rss) < 0.1 * rss, `memory by type adds up to ${stack}, and the resident set is ${rss}`);
  check(charts.entries.legend[0].endsWith(Number(tables[0].entryCount).toLocaleString("en")), `the legend says ${charts.entries.legend[0]}`);
  check((await page.textContent("#tile-entries .value")).replaceAll(",", "") === String(total(tables, "entryCount")), "the tile of entries");
  check((await page.textContent("#tile-state .value")) === "Ready", "the tile of the state");
}

async function checkLookups(page) {
  const result = page.locator("#lookup-result");
  await page.fill("#lookup-key", key);
  await page.press("#lookup-key", "Enter");
  await result.locator("text=bookkeeping").waitFor({ timeout: 10_000 });
  check((await result.textContent()).includes(`${key}: found`), "an entry is found");
  const nobody = '<img src=x onerror="alert(1)">';
  await page.fill("#lookup-key", nobody);
  await page.click("text=Look up");
  await result.locator("text=not found").waitFor({ timeout: 10_000 });
  check((await result.textContent()).includes("No record with this key"), "a miss is explained");
  check((await result.locator("img").count()) === 0, "a key is no markup");
  await page.click("text=Last rejections");
  await result.locator("text=rejected").first().waitFor({ timeout: 10_000 });
  await page.click("#list-largest");
  await result.locator("tbody tr").first().waitFor({ timeout: 10_000 });
}

/** A profile is drawn and listed, and can be walked through and enlarged without a mouse. */
async function checkProfiles(page) {
  await page.fill("#profile-token", token);
  await page.selectOption("#profile-kind", "heap");
  await page.click("#profile-start");
  await page.locator("#profile-said", { hasText: "the heap profiler is on" }).waitFor({ timeout: 10_000 });
  await page.click("text=Take profile");
  await page.locator("#profile-said", { hasText: "still in use" }).waitFor({ timeout: 30_000 });
  await page.click("#profile-stop");
  await page.locator("#profile-said", { hasText: "the heap profiler is off" }).waitFor({ timeout: 10_000 });
  await page.selectOption("#profile-kind", "cpu");
  await page.fill("#profile-seconds", "2");
  await page.click("text=Take profile");
  await page.locator(".flame button").first().waitFor({ timeout: 30_000 });
  const first = page.locator(".flame button[tabindex='0']");
  check((await page.locator(".flame button[tabindex='0']").count()) === 1, "one frame of the flame graph is in the order of tabs");
  await first.focus();
  const inner = page.locator(".flame button:focus");
  const label = () => inner.getAttribute("aria-label");
  let outer = await label();
  for (let tries = 0; tries < 30; tries += 1) {
    await page.keyboard.press("ArrowDown");
    if ((await label()) !== outer) break;
    // Nothing is below a thread whose code is not known.
    await page.keyboard.press("ArrowRight");
    outer = await label();
  }
  check((await label()) !== outer, "an arrow key does not move in the flame graph");
  const before = (await inner.boundingBox()).width;
  await page.keyboard.press("Enter");
  await page.waitForFunction((width) => document.activeElement.getBoundingClientRect().width >= width, before, { timeout: 5_000 })
    .catch(() => check(false, "Enter does not enlarge a function"));
  const all = await page.locator(".flame").evaluate((flame) => flame.clientWidth);
  check(Math.abs((await page.locator(".flame button:focus").boundingBox()).width - all) < 2, "an enlarged function is as wide as the graph");
  await page.keyboard.press("Escape");
  check((await page.locator("#profile-result tbody tr").count()) > 0, "the hottest functions are not listed");
}

/** Without a mouse: each control can be reached, and the cursor of a chart moved. */
async function checkKeyboard(page) {
  const plot = page.locator("#chart-records .plot");
  await plot.focus();
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => /\d\d:\d\d:\d\d/.test(document.querySelector("#chart-records time").textContent), null, { timeout: 5_000 })
    .catch(() => check(false, "an arrow key does not move the cursor"));
  await page.focus("#chart-records summary");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#chart-records .rows tbody tr").length > 2, null, { timeout: 5_000 })
    .catch(() => check(false, "a chart has no table"));
  await page.keyboard.press("Enter");
  await page.mouse.move(0, 0);
  await page.evaluate(() => window.millpond.charts.charts.forEach((chart) => chart.uplot.setCursor({ left: -10, top: -10 })));
}

async function checkWidth(page) {
  const { wide, width } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, width: window.innerWidth }));
  check(wide <= width, `the page is ${wide} wide in a window of ${width}`);
}

async function checkRanges(page) {
  await page.focus("input[name=range]:checked");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => window.millpond.tier === 1 && window.millpond.charts.charts[0].times.length > 0, null, { timeout: 10_000 })
    .catch(() => check(false, "the range of 6 h has no samples"));
}

async function checkAccess(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  for (const { impact, id, help, nodes } of violations.filter((each) => ["serious", "critical"].includes(each.impact))) {
    check(false, `axe: ${impact}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html).join(" ")}`);
  }
}
