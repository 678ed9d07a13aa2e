// Opens report pages from the disk in Chromium, with the network cut off, and checks what a reader
// would see.
//   node browser_test.mjs [--screenshots FOLDER] PAGE.html...
// Exits with 0 if every check of every page passed, with 1 if not, with 2 on bad usage.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { chromium } from "playwright-core";

const widths = [1280, 390];
const executablePath = "/usr/bin/chromium";
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
              "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// Texts that the pages of sample_results.mjs must show, by file name.
const wantedTexts = {
  "sparse.html": ["Not shown: 2 points not computed and 1 point not above zero.",
                  "The results hold no spectrum for this network.",
                  "Not shown: 1 point not above zero.",
                  "Not measured: Trained plainly and Brought along.",
                  "1 point beside the chart",
                  "The results hold no spectral density for this network."],
  "full.html": ["Nothing that was measured calls for a change.",
                "Train with a learning rate below 0.13",
                "At step 1 the rate was 103% of the critical one",
                "1 hold, 1 do not hold and 1 cannot be tested here",
                "Trained plainly: 64 images, 50 steps; Trained adversarially: 64 images, 50 steps.",
                "Theorem 1: What Theorem 1 comes to",
                "Dynamics that are approximate, in a simple setting.",
                "✓ yes, within the uncertainty",
                "at the strongest attack of each kind: raw β\u00a0=\u00a00.625 from 11%",
                "by the nearest one that the nearest-class attack finds",
                "At the strongest attack of each kind: raw β\u00a0=\u00a00.625: region-exact 0.87",
                "L2 ε\u00a0=\u00a01 from 11%",
                "L∞ ε\u00a0=\u00a00.05 from 11%",
                "4% of the images are left out of the quadratic number",
                "Half of it is held by 74 of 500 images (vanilla), 6 (L2 ε\u00a0=\u00a00.25)",
                "At L2 ε\u00a0=\u00a01, 2 of the 2 are also among the 2 most boosted images",
                "Of these 10 images, 3 are among the first 10 without the attack too"],
  "hostile.html": ["class", "title", "file"].map((what) =>
    `${what} </script><img src=x onerror=alert(1)>`),
  "empty.html": ["This run tested no claim."],
};

const dynamicsFigures = ["error", "flips", "cosine", "segments", "spectrum", "share", "growth"]
  .map((name) => `dynamics-${name}`);
const allFigures = [
  "training-rate",
  "robustness-curve",
  ...dynamicsFigures,
  ...["cloud", "kappa", "boost", "rank", "concentration"].map((name) => `influence-${name}`),
  ...["eigenvalues", "rates", "carriers", "density"].map((name) => `curvature-${name}`),
  "paper-theorem-1", "paper-theorem-3",
];

// The figures of those pages, in their order.
const wantedFigures = {
  "full.html": allFigures,
  "sparse.html": allFigures,
  "hostile.html": allFigures,
  "older.html": dynamicsFigures,
  "empty.html": [],
};

// How many charts full.html must have, by figure; two networks.
const wantedCharts = {
  "training-rate": 2, "robustness-curve": 4, "influence-cloud": 4, "influence-kappa": 2, "influence-boost": 2, "influence-rank": 2,
  "influence-concentration": 2, "curvature-eigenvalues": 2, "curvature-rates": 2,
  "curvature-carriers": 2, "curvature-density": 2, "paper-theorem-1": 2, "paper-theorem-3": 2,
};

let passed = 0;
let failed = 0;

function check(what, problems) {
  if (problems.length === 0) {
    passed++;
    return;
  }
  failed++;
  console.log(`FAILED ${what}`);
  for (const problem of problems) console.log(`  ${problem}`);
}

// Says for each chart what it lacks.
function chartProblems() {
  const problems = [];
  for (const chart of document.querySelectorAll(".chart")) {
    const title = chart.getAttribute("aria-label").slice(0, 40);
    const name = `${chart.closest("figure").id}, "${title}"`;
    const svg = chart.querySelector("svg.marks");
    if (!svg) {
      problems.push(`${name}: no svg`);
      continue;
    }
    const marks = svg.querySelectorAll(".role-mark path, .role-mark line, .role-mark rect");
    if (marks.length === 0) problems.push(`${name}: no marks`);
    if (/NaN|Infinity|undefined/.test(svg.outerHTML)) problems.push(`${name}: broken geometry`);
    if (!chart.querySelector("[role=graphics-document][aria-label]")) {
      problems.push(`${name}: no text for screen readers`);
    }
    if (!chart.querySelector("summary[aria-label]")) problems.push(`${name}: nameless menu`);
    const actions = [...chart.querySelectorAll(".vega-actions a")].map((link) => link.textContent);
    if (actions.join() !== "Save as SVG,Save as PNG") {
      problems.push(`${name}: menu has "${actions}"`);
    }
  }
  return problems;
}

// Texts of each chart that overlap one another or leave their chart.
function labelProblems() {
  const problems = [];
  for (const svg of document.querySelectorAll(".chart svg.marks")) {
    const frame = svg.getBoundingClientRect();
    const name = svg.closest("figure").id;
    const texts = [...svg.querySelectorAll("text")]
      .filter((text) => text.textContent && getComputedStyle(text).opacity !== "0")
      .map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
    texts.forEach(({ text, box }, index) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1) {
        problems.push(`${name}: "${text}" is cut off`);
      }
      for (const other of texts.slice(index + 1)) {
        const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        if (across > 1 && down > 2) problems.push(`${name}: "${text}" covers "${other.text}"`);
      }
    });
  }
  return problems;
}

function accessibilityProblems() {
  const problems = [];
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map(({ tagName }) => +tagName[1]);
  if (levels.filter((level) => level === 1).length !== 1) problems.push("not one h1");
  levels.forEach((level, index) => {
    if (index > 0 && level > levels[index - 1] + 1) problems.push(`h${level} skips a level`);
  });
  for (const canvas of document.querySelectorAll("canvas:not([aria-label])")) {
    problems.push(`a canvas without text: ${canvas.outerHTML}`);
  }
  for (const table of document.querySelectorAll("table:not(:has(caption))")) {
    problems.push(`a table without caption: ${table.textContent.slice(0, 40)}`);
  }
  return problems;
}

// Elements and handlers that only text of the results could have made.
function injected() {
  const foreign = document.querySelectorAll("img, iframe, object, embed, base");
  const scripts = [...document.scripts].filter(({ nonce, type }) =>
    !nonce && !["application/json", "text/plain"].includes(type));
  const handlers = [...document.querySelectorAll("*")].filter((node) =>
    node.getAttributeNames().some((name) => name.startsWith("on")));
  return [...foreign, ...scripts, ...handlers].map((node) => node.outerHTML.slice(0, 80));
}

// What of somebody else's runs once it is in the page: scripts, one with the nonce of page.html, and
// the handler of an element.
async function intruders() {
  const names = [];
  window.intrude = (name) => names.push(`${name} has run`);
  for (const nonce of [null, "report"]) {
    const script = document.createElement("script");
    if (nonce) script.nonce = nonce;
    script.textContent = `intrude("a script of nonce ${nonce}")`;
    document.body.append(script);
  }
  const holder = document.createElement("div");
  holder.innerHTML = "<img src='data:,' onerror='intrude(`a handler`)'>";
  document.body.append(holder);
  await new Promise((done) => {
    holder.firstChild.addEventListener("error", () => setTimeout(done));
  });
  return names;
}

// The ids of all figures, each with the number of its charts.
const figures = () =>
  [...document.querySelectorAll("figure.charts")].map((figure) =>
    [figure.id, figure.querySelectorAll(".chart").length]);

function figureProblems(file, found) {
  const wanted = wantedFigures[file];
  const names = found.map(([name]) => name);
  const problems = wanted && names.join() !== wanted.join() ? [`found ${names.join(", ")}`] : [];
  if (file !== "full.html") return problems;
  return [...problems, ...found
    .filter(([name, count]) => name in wantedCharts && count !== wantedCharts[name])
    .map(([name, count]) => `${name} has ${count} charts`)];
}

const overflow = () => {
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth > clientWidth ? [`${scrollWidth} px in a window of ${clientWidth} px`] : [];
};

// What clicking through the menu of the first chart saves.
async function savedFiles(page) {
  const problems = [];
  for (const [action, start] of [["Save as SVG", "<svg"], ["Save as PNG", "\x89PNG"]]) {
    const chart = page.locator(".chart").first();
    await chart.locator("summary").click();
    const [download] = await Promise.all([
      page.waitForEvent("download", { timeout: 10000 }),
      chart.getByText(action).click(),
    ]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (!bytes.toString("latin1").startsWith(start)) {
      problems.push(`${action} gave ${bytes.length} bytes that are no such picture`);
    }
    await page.keyboard.press("Escape");
    await page.locator("h1").click();
  }
  return problems;
}

async function testPage(page, file, screenshots) {
  const trouble = [];
  const requests = [];
  const home = pathToFileURL(resolve(file)).href;
  const onConsole = (message) => {
    if (["error", "warning"].includes(message.type())) trouble.push(message.text());
  };
  const onError = (error) => trouble.push(String(error.stack ?? error));
  const onRequest = (request) => {
    const url = request.url();
    if (url !== home && !/^(data|blob):/.test(url)) requests.push(url);
  };
  const onDialog = (dialog) => {
    trouble.push(`an alert: ${dialog.message()}`);
    dialog.dismiss();
  };
  page.on("console", onConsole).on("pageerror", onError).on("request", onRequest)
    .on("dialog", onDialog);

  for (const width of widths) {
    const name = `${basename(file)} at ${width} px`;
    await page.setViewportSize({ width, height: 900 });
    await page.goto(home, { timeout: 60000 });
    await page.waitForFunction(() => document.documentElement.dataset.state === "drawn", null,
      { timeout: 60000 }).catch(() => trouble.push(`${name}: not drawn after a minute`));
    check(`${name}: charts are drawn`, await page.evaluate(chartProblems));
    check(`${name}: labels can be read`, await page.evaluate(labelProblems));
    check(`${name}: headings, tables and pictures`, await page.evaluate(accessibilityProblems));
    check(`${name}: results stay text`, await page.evaluate(injected));
    check(`${name}: fits the width`, await page.evaluate(overflow));
    await page.evaluate(() => {
      for (const details of document.querySelectorAll("details")) details.open = true;
    });
    check(`${name}: fits the width unfolded`, await page.evaluate(overflow));
    if (screenshots) {
      const path = join(screenshots, `${basename(file, ".html")}-${width}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  }
  const text = await page.evaluate(() => document.body.textContent);
  check(`${basename(file)}: has its figures`,
    figureProblems(basename(file), await page.evaluate(figures)));
  check(`${basename(file)}: says what it must`,
    (wantedTexts[basename(file)] ?? []).filter((wanted) => !text.includes(wanted)));
  await page.reload();
  await page.waitForFunction(() => document.documentElement.dataset.state === "drawn");
  if ((await page.locator(".chart").count()) > 0) {
    check(`${basename(file)}: charts can be saved`, await savedFiles(page));
  }
  check(`${basename(file)}: no errors`, trouble);
  check(`${basename(file)}: asks nobody for anything`, requests);
  page.off("console", onConsole).off("pageerror", onError).off("request", onRequest)
    .off("dialog", onDialog);
  check(`${basename(file)}: runs no script but its own`, await page.evaluate(intruders));
}

const { values, positionals } =
  parseArgs({ options: { screenshots: { type: "string" } }, allowPositionals: true });
if (positionals.length === 0) {
  console.error("usage: node browser_test.mjs [--screenshots FOLDER] PAGE.html...");
  process.exit(2);
}
if (values.screenshots) mkdirSync(values.screenshots, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "report-browser-"));
const browser = await chromium.launchPersistentContext(profile,
  { executablePath, args, offline: true, acceptDownloads: true });
try {
  const page = await browser.newPage();
  for (const file of positionals) await testPage(page, file, values.screenshots);
} catch (error) {
  check("the test itself", [String(error.stack ?? error)]);
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
