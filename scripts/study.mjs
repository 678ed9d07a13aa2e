// Puts the study's tables and charts together: node scripts/study.mjs FOLDER [DOCS]
// Reads the results.json of each cell below FOLDER; writes DOCS/study.md with its charts in DOCS/study/ and
// FOLDER/study.html, one page with both. Every number is read from a run.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as vega from "vega";
import * as vegaLite from "vega-lite";

const [folder, docs = "docs"] = process.argv.slice(2);
if (!folder || !existsSync(folder)) {
  console.error("usage: node scripts/study.mjs FOLDER [DOCS]");
  process.exit(2);
}

const read = (...parts) => JSON.parse(readFileSync(join(folder, ...parts), "utf8"));
const architectures = ["linear", "mlp", "cnn", "lenet", "resnet18"];
const trainings = ["plain", "l2", "linf"];
const variants = { "": "", "-squared": "squared error", "-no-decay": "no weight decay" };
const onsetNames = { plain: "plain", l2: "L2", linf: "L∞" };
const trainingNames = { plain: "plain", l2: "L2 1.0", linf: "L∞ 0.1" };
const dataNames = { "fashion-mnist": "Fashion-MNIST", mnist: "MNIST" };

// ----- what was run -----

const cells = Object.keys(dataNames).flatMap((data) => architectures.flatMap((architecture) =>
  Object.keys(variants).flatMap((variant) => trainings.map((training) => (
    { data, architecture, variant, training, name: `${data}-${architecture}${variant}-${training}` })))))
  .filter(({ name }) => existsSync(join(folder, name, "results.json")))
  .map((cell) => ({ ...cell, results: read(cell.name, "results.json") }))
  .map((cell) => ({ ...cell, network: cell.results.networks[0] }));

// The study keeps the cells that are there, and early versions named attacks in another way.
const outdated = cells.filter(({ network }) => network.curvature.conditions.some(({ kind }) => !kind));
if (outdated.length > 0) {
  console.error(`${join(folder, outdated[0].name, "results.json")}: written by an early version; ` +
                "remove it, and those like it, and run the study again");
  process.exit(2);
}

const grid = readdirSync(folder)
  .map((name) => ({ name, size: /^depth-(\d+)-width-(\d+)$/.exec(name) }))
  .filter(({ name, size }) => size && existsSync(join(folder, name, "dynamics.json")))
  .map(({ name, size }) => ({ depth: +size[1], width: +size[2],
                              dynamics: read(name, "dynamics.json").networks[0].dynamics }))
  .sort((a, b) => a.depth - b.depth || a.width - b.width);

// Full-batch trainings, watched: the lines around the first two updates that opposed each other.
const onsets = readdirSync(folder)
  .map((name) => ({ name, parts: /^onset-(.+)-(plain|l2|linf)-([\d.]+)-([\d.]+)-(\d+)$/.exec(name) }))
  .filter(({ name, parts }) => parts && existsSync(join(folder, name, "diagnosis.jsonl")))
  .map(({ name, parts: [, data, training, hidden, rate, seed] }) => {
    const lines = readFileSync(join(folder, name, "diagnosis.jsonl"), "utf8").trim().split("\n");
    const read = lines.map((line) => JSON.parse(line));
    const place = read.findIndex(({ opposed }) => opposed > 0);
    const around = place > 0 ? [read[place - 1], read[place]] : null;
    return { data, training, hidden: hidden.replaceAll(".", ", "), rate, seed, around };
  });

const findingsOf = (data) => (existsSync(join(folder, `${data}-findings`, "results.json"))
  ? read(`${data}-findings`, "results.json").findings
  : []);

// ----- numbers -----

const known = (value) => typeof value === "number" && Number.isFinite(value);
const number = (value, digits = 3) => (known(value) ? String(+value.toPrecision(digits)) : "–");
const percent = (value, digits = 1) => (known(value) ? `${(100 * value).toFixed(digits)}%` : "–");
const title = ({ data, architecture, variant, training }) =>
  [dataNames[data], architecture, variants[variant], trainingNames[training]].filter(Boolean).join(", ");
const verdictOf = (cell, id) =>
  cell.results.claims.find((claim) => claim.id === id)?.verdicts[0]?.verdict ?? "–";

// The error at a share of gates flipped, by interpolation on both logarithms; null outside the sweep.
function errorAt(dynamics, kind, share) {
  const points = dynamics.sweep
    .map((one) => [one.gates_flipped_share, one.error[kind]?.median])
    .filter(([x, y]) => x > 0 && y > 0);
  for (let k = 1; k < points.length; k++) {
    const [[x0, y0], [x1, y1]] = [points[k - 1], points[k]];
    if (x0 > share || share > x1) continue;
    const place = x1 === x0 ? 0 : Math.log(share / x0) / Math.log(x1 / x0);
    return y0 * (y1 / y0) ** place;
  }
  return null;
}

const lastOf = (list) => list[list.length - 1];
// Where each image is attacked at its own smallest fooling strength.
const atFooling = ({ dynamics }) => lastOf(dynamics.sweep) ?? null;
const segmentsOf = ({ dynamics }) =>
  dynamics.segments.find(({ tolerance }) => tolerance === dynamics.tolerance) ?? null;
// The value of a claim's check whose words begin like this.
const checkOf = (cell, id, words) => cell.results.claims.find((claim) => claim.id === id)
  ?.verdicts[0]?.checks.find(({ what }) => what.startsWith(words))?.value;
const rawRanks = ({ influence }) => influence.strengths.filter(({ kind }) => kind === "raw")
  .map(({ rank_correlation: rank }) => rank.region).filter(known);
// How far the measured critical rates of one kind are off their predictions, at most; null where one of them
// was not predicted or not found.
const rateError = ({ curvature }, isMeant) => {
  const ratios = curvature.rates.filter(isMeant).map(({ ratio }) => ratio);
  return ratios.length > 0 && ratios.every(known) ? Math.max(...ratios.map((ratio) => Math.abs(ratio - 1))) : null;
};
const plainRate = (momentum) => (rate) => rate.kind === "vanilla" && rate.momentum === momentum;
const attackedRate = (norm) => (rate) => rate.norm === norm;
const middle = (values) => {
  const sorted = values.filter(known).sort((a, b) => a - b);
  return sorted.length > 0 ? sorted[Math.floor((sorted.length - 1) / 2)] : null;
};
const least = (values) => (values.length > 0 ? Math.min(...values) : null);
const strengthened = ({ curvature }) => {
  const [vanilla, ...attacked] = curvature.conditions;
  const felt = lastOf(attacked)?.effective?.eigenvalues[0];
  return known(felt) && vanilla.hessian.eigenvalues[0] > 0
    ? felt / vanilla.hessian.eigenvalues[0] : null;
};

// ----- tables -----

const table = (head, rows) => ({ head, rows });

const claimsTable = table(
  ["network", "clean", "robust", "claim 1", "claim 2", "claim 3"],
  cells.map((cell) => [
    title(cell), percent(cell.network.accuracy.clean.value),
    percent(cell.network.accuracy.robust.value), verdictOf(cell, "dynamics"),
    verdictOf(cell, "influence"), verdictOf(cell, "curvature")]));

const dynamicsTable = table(
  ["network", "region-exact error at 1% of gates", "quadratic", "images with a fooling strength",
   "length there", "leave the cube", "gates flipped", "region-exact error", "segments, median", "90th percentile",
   "number", "forward", "backward", "top 3 eigenvectors hold"],
  cells.map((cell) => {
    const { network } = cell;
    const own = atFooling(network);
    const cut = segmentsOf(network);
    return [title(cell), percent(errorAt(network.dynamics, "region", 0.01)),
            percent(errorAt(network.dynamics, "quadratic", 0.01)),
            `${network.dynamics.fooled} of ${network.dynamics.right}`, number(own?.norm?.median),
            percent(own?.leaves_box, 0), percent(own?.gates_flipped_share), percent(own?.error.region?.median),
            percent(own?.error.segments?.median),
            percent(checkOf(cell, "dynamics", "90th percentile")), number(cut?.segments),
            number(cut?.forward), number(cut?.backward), percent(own?.top_share.real?.[2]?.median)];
  }));

const influenceTable = table(
  ["network", "least rank correlation, raw attacks", "slope, weakest attack", "weakest attack",
   "half fooled"],
  cells.map((cell) => {
    const raw = cell.network.influence.strengths.filter(({ kind }) => kind === "raw");
    return [title(cell), number(least(rawRanks(cell.network))),
            raw[0]?.slope
              ? `${number(raw[0].slope.value)} (${number(raw[0].slope.low)} to ` +
                `${number(raw[0].slope.high)})`
              : "–",
            raw[0]?.regime ?? "–", lastOf(raw)?.regime ?? "–"];
  }));

const curvatureTable = table(
  ["network", "largest curvature, attacked over plain", "rate off, plain", "plain, momentum 0.9", "L2 attacks",
   "L∞ attack", "images that hold half, plain", "attacked"],
  cells.map((cell) => {
    const { conditions, samples } = cell.network.curvature;
    const half = (condition) => (condition?.carriers[0]
      ? `${condition.carriers[0].half} of ${samples}` : "–");
    return [title(cell), number(strengthened(cell.network)),
            ...[plainRate(0), plainRate(0.9), attackedRate("l2"), attackedRate("linf")].map((isMeant) =>
              percent(rateError(cell.network, isMeant))), half(conditions[0]),
            half(lastOf(conditions))];
  }));

const onsetsFound = onsets.filter(({ around }) => around);
// The means of both lines; of the felt curvature where both have one.
const readings = ({ around }) => ["hessian", "hessian_adversarial", "effective"].map((key) => {
  const [before, after] = around.map(({ rate_times_curvature: at }) => at[key]);
  return known(before) && known(after) ? (before + after) / 2 : null;
});
const onsetTable = table(
  ["training", "hidden units", "rate", "seed", "step", "rate times largest curvature, clean images",
   "attacked images", "felt"],
  onsets.map((each) => [
    `${dataNames[each.data]}, ${onsetNames[each.training]}`, each.hidden, each.rate, each.seed,
    each.around ? each.around.map(({ step }) => step).join(" to ") : "not reached",
    ...(each.around ? readings(each).map((value) => number(value)) : ["–", "–", "–"])]));

// Of the trainings under an attack, how many onsets the felt curvature reads nearer to 2.
function onsetSummary() {
  const attackedOnes = onsetsFound.filter(({ training }) => training !== "plain")
    .map((each) => ({ training: each.training, of: readings(each) }));
  const told = ["l2", "linf"].map((training) => {
    const some = attackedOnes.filter((each) => each.training === training);
    const both = some.map(({ of: [, hessian, felt] }) => [hessian, felt])
      .filter(([, felt]) => known(felt));
    const nearer = both.filter(([hessian, felt]) => Math.abs(felt - 2) < Math.abs(hessian - 2)).length;
    return `${onsetNames[training]}: felt ${number(middle(both.map(([, felt]) => felt)))}, Hessian at ` +
      `attacked images ${number(middle(both.map(([hessian]) => hessian)))} (medians), felt nearer to 2 ` +
      `in ${nearer} of ${some.length}`;
  });
  const plain = onsetsFound.filter(({ training }) => training === "plain")
    .map((each) => readings(each)[0]);
  return `${onsetsFound.length} of ${onsets.length} trainings came to an onset. ` +
    `Plain: ${number(middle(plain))}; ${told.join("; ")}.`;
}

const findingsTables = Object.keys(dataNames).map((data) => ({
  data,
  findings: findingsOf(data),
}));

const findingsTable = table(
  ["finding", ...Object.values(dataNames)],
  (findingsTables.find(({ findings }) => findings.length > 0)?.findings ?? []).map(({ name, title: what }) => [
    what,
    ...findingsTables.map(({ findings }) => {
      const found = findings.find((one) => one.name === name);
      return found ? `${found.verdict}${found.certain ? "" : ", within the uncertainty"}` : "–";
    })]));

const sizeTable = table(
  ["hidden layers", "width", "region-exact error at 5% of gates", "quadratic", "at 10% of gates",
   "gates flipped at the fooling strengths"],
  grid.map(({ depth, width, dynamics }) => [
    String(depth), String(width), percent(errorAt(dynamics, "region", 0.05)),
    percent(errorAt(dynamics, "quadratic", 0.05)), percent(errorAt(dynamics, "region", 0.1)),
    percent(atFooling({ dynamics })?.gates_flipped_share)]));

// ----- charts -----

const config = { font: "sans-serif", view: { stroke: null },
                 axis: { gridColor: "#e6e9ee", domainColor: "#9aa4b1" } };
const colors = ["#1f1147", "#6b1d81", "#b5367a", "#ee605e", "#f39a4c"];

async function svg(spec) {
  const view = new vega.View(vega.parse(vegaLite.compile({ config, background: "white", ...spec }).spec),
                             { renderer: "none" });
  return view.toSVG();
}

const logAxis = (field, name, format = "~%") => ({
  field, type: "quantitative", title: name, scale: { type: "log" }, axis: { format, tickCount: 6 } });

const errorPoints = cells.flatMap((cell) => cell.network.dynamics.sweep
  // Below, it is the rounding of the images where the median image flips no gate.
  .filter((one) => one.gates_flipped_share > 0 && one.error.region?.median > 1e-4)
  .map((one) => ({ architecture: cell.architecture, training: trainingNames[cell.training],
                   data: dataNames[cell.data], name: cell.name, flipped: one.gates_flipped_share,
                   error: one.error.region.median })));

const ratePoints = cells.flatMap((cell) => cell.network.curvature.rates
  .filter(({ predicted, measured }) => known(predicted) && known(measured))
  .map(({ predicted, measured, norm }) => ({ predicted, measured, architecture: cell.architecture,
                                             condition: { l2: "L2", linf: "L∞" }[norm] ?? "plain" })));

const sizePoints = grid.map(({ depth, width, dynamics }) => ({
  depth, width: String(width), error: errorAt(dynamics, "region", 0.05) }))
  .filter(({ error }) => known(error));

const architectureColor = { field: "architecture", type: "nominal",
                            scale: { domain: architectures, range: colors } };

const charts = [
  { name: "error-by-gates", caption: "Median relative error of the region-exact perturbation " +
      "against the share of gates that the attack flips: one line a network. Below 0.01% it is not shown.",
    points: errorPoints,
    spec: { width: 265, height: 240, mark: { type: "line", opacity: 0.8, point: { size: 14 } },
            encoding: { x: logAxis("flipped", "gates flipped"), y: logAxis("error", "relative error"),
                        color: architectureColor, detail: { field: "name" },
                        column: { field: "training", title: null, sort: Object.values(trainingNames) } } } },
  { name: "error-by-size", caption: "The same error where 5% of the gates have flipped, by the " +
      "depth and width of a perceptron.",
    points: sizePoints,
    spec: { width: 360, height: 240, mark: { type: "line", point: { size: 50 } },
            encoding: { x: { field: "depth", type: "quantitative", title: "hidden layers",
                             axis: { tickMinStep: 1 } },
                        y: logAxis("error", "relative error"),
                        color: { field: "width", type: "ordinal", sort: ["64", "256", "512"] } } } },
  { name: "onset", caption: "Learning rate times largest curvature where consecutive updates of full-batch " +
      "training first oppose each other. At 2 an oscillation grows.",
    points: onsetsFound.flatMap((each) => ["clean images", "attacked images", "felt"].map((what, k) => ({
      what, training: onsetNames[each.training], value: readings(each)[k] })))
      .filter(({ value }) => known(value)),
    spec: { facet: { row: { field: "training", title: null } },
            spec: { width: 420, height: 90,
                    layer: [
                      { mark: { type: "tick", thickness: 2, opacity: 0.7 },
                        encoding: { x: { field: "value", type: "quantitative", title: "rate times curvature" },
                                    y: { field: "what", type: "nominal", title: null },
                                    color: { field: "what", type: "nominal", legend: null } } },
                      { mark: { type: "rule", strokeDash: [4, 4], color: "#5a6675" },
                        encoding: { x: { datum: 2 } } }] } } },
  { name: "critical-rates", caption: "Critical learning rates, measured against predicted from " +
      "the curvature that training feels. On the line they agree.",
    points: ratePoints,
    spec: { width: 360, height: 300,
            layer: [
              { mark: { type: "point", filled: true, size: 46 },
                encoding: { x: logAxis("predicted", "predicted rate", "~g"),
                            y: logAxis("measured", "measured rate", "~g"),
                            color: architectureColor, shape: { field: "condition", type: "nominal" } } },
              { data: { values: ratePoints.flatMap(({ predicted }) => [{ at: predicted }]) },
                mark: { type: "line", strokeDash: [4, 4], color: "#5a6675" },
                encoding: { x: logAxis("at", "predicted rate", "~g"),
                            y: logAxis("at", "measured rate", "~g") } }] } },
].filter(({ points }) => points.length > 0);

for (const chart of charts) {
  chart.svg = await svg({ ...chart.spec, data: { values: chart.points } });
}

// ----- the documents -----

const sections = [
  { heading: "Claims", text: "Verdicts by the thresholds of each claim. Robust accuracy is under " +
      "PGD of 20 steps in L∞ with radius 0.05.", tables: [claimsTable] },
  { heading: "Claim 1: the perturbation", text: "Median errors of the analytic perturbations where " +
      "1% of the gates flip and at each image's own smallest fooling strength; length of the median " +
      "perturbation there, how many leave the cube of images, and number and passes of its segments, where the attack takes 50 passes " +
      "of either kind. A dash: the sweep does not reach there (a linear network has no gates).", tables: [dynamicsTable], charts: ["error-by-gates"] },
  { heading: "Depth and width", text: "Perceptrons trained plainly on Fashion-MNIST.",
    tables: [sizeTable], charts: ["error-by-size"] },
  { heading: "Claim 2: influence", text: "Rank correlation of region-exact and measured boost, the " +
      "slope of log boost over beta kappa, and the regime at the weakest and the strongest raw " +
      "attack.", tables: [influenceTable] },
  { heading: "Claim 3: oscillation", text: "The largest curvature at L2 radius 1.0 relative to none, " +
      "how far measured critical learning rates are off their prediction at most (plain training; under L2 attacks " +
      "of radius 0.5 and 1.0; under an L∞ attack of radius 0.05, of swings a thousandth of the parameters' length " +
      "wide; a dash where nothing is predicted), and how many images carry the top eigenvalue. A measured rate comes " +
      "from differences of gradients, and trainings 1% below and above it confirm it, or a search goes on: it is known to 1%.", tables: [curvatureTable], charts: ["critical-rates"] },
  ...(onsets.length > 0 ? [
    { heading: "Onset of oscillation", text: "Full-batch descent of small perceptrons on the first 300 " +
        "images, without momentum, under no attack or PGD of 5 steps (L2 1.0; L∞ 0.1 on MNIST, 0.05 on " +
        "Fashion-MNIST). Read every second step, mean of the readings before and after " +
        "consecutive updates first oppose each other: learning rate times the largest eigenvalue of the Hessian at clean and at " +
        "attacked images, and times the curvature that training feels (effective, in L∞ of swings of a " +
        `thousandth of the parameters' length). ${onsetSummary()}`,
      tables: [onsetTable], charts: ["onset"] }] : []),
  { heading: "Claim 4: earlier findings", text: "Small perceptrons of the findings' own, five " +
      "repetitions each.", tables: [findingsTable] },
];

const counts = (id) => {
  const all = cells.map((cell) => verdictOf(cell, id));
  return [...new Set(all)].map((verdict) =>
    `${verdict} on ${all.filter((one) => one === verdict).length}`).join(", ");
};
const bent = cells.filter(({ architecture }) => architecture !== "linear");
const whereFooled = (pick) => percent(middle(bent.map(({ network }) => pick(atFooling(network)))), 0);
const within = (values, limit) =>
  `${values.filter((one) => known(one) && one <= limit).length} of ${values.length}`;
const offBy = (isMeant) => cells.map(({ network }) => rateError(network, isMeant));
const byDifferences = cells.flatMap(({ network }) => network.curvature.rates.filter(attackedRate("l2"))
  .map(({ momentum, predicted, by_differences: tried }) =>
    Math.abs(2 * (1 + momentum) / predicted / tried.largest - 1)));
const intro = [
  `${cells.length} networks (two data sets, five architectures, three trainings; on MNIST also on squared error and ` +
    `without weight decay) and ${grid.length} more perceptrons, every number from a run of \`make study\`. The ` +
    "adversarially trained networks go on from the plain ones, for three epochs on the first 20,000 images.",
  `Claim 1: ${counts("dynamics")}. Claim 2: ${counts("influence")}. Claim 3: ${counts("curvature")}.`,
  `At its images' own fooling strengths the median network with ReLUs has flipped ` +
    `${whereFooled((own) => own?.gates_flipped_share)} of its gates: there one region is off by ` +
    `${whereFooled((own) => own?.error.region?.median)}, segments by ` +
    `${whereFooled((own) => own?.error.segments?.median)}, and three eigenvectors of the input Hessian hold ` +
    `${whereFooled((own) => own?.top_share.real?.[2]?.median)} of the perturbation. The order of the boosts ` +
    `is predicted with a rank correlation of at least ${number(middle(cells.map(({ network }) =>
      least(rawRanks(network)))))} on the median network. The largest curvature grows by a factor of ` +
    `${number(middle(cells.map(({ network }) => strengthened(network))), 2)}. Critical learning rates of plain ` +
    `training are within 10% of the prediction on ${within(offBy(({ kind }) => kind === "vanilla"), 0.1)} networks ` +
    `(both momenta), those of training under L2 attacks within 15% on ${within(offBy(attackedRate("l2")), 0.15)}, ` +
    `and in L∞, by swings a thousandth of the parameters' length wide, on ` +
    `${within(offBy(attackedRate("linf")), 0.15)}. Under L2 attacks the theory's largest curvature is within 5% of that of ` +
    `Arnoldi's method on differences of the attacked gradient in ${within(byDifferences, 0.05)} cases.`,
];

const markdownTable = ({ head, rows }) =>
  [head, head.map((_, index) => (index === 0 ? "---" : "---:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
const chartNamed = (name) => charts.find((chart) => chart.name === name);

const markdown = ["# Study: where the claims hold", ...intro,
  ...sections.flatMap(({ heading, text, tables, charts: names = [] }) => [
    `## ${heading}`, text,
    ...names.filter(chartNamed).map((name) => `![${chartNamed(name).caption}](study/${name}.svg)`),
    ...tables.map(markdownTable)])].join("\n\n") + "\n";

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`);
const htmlTable = ({ head, rows }) => `<div class="scroll"><table><thead><tr>` +
  head.map((cell) => `<th>${escaped(cell)}</th>`).join("") + "</tr></thead><tbody>" +
  rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`).join("\n") +
  "</tbody></table></div>";
const style = "body{font:16px/1.6 sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem;color:#1d2530}" +
  "table{border-collapse:collapse;font-size:.9rem}th,td{padding:.25rem .8rem;border-bottom:1px solid #dde2e8;" +
  "text-align:right}th:first-child,td:first-child{text-align:left}.scroll{overflow-x:auto}" +
  "figure{margin:1.5rem 0;overflow-x:auto}figcaption{color:#55606e;font-size:.9rem}svg{max-width:none}";
const page = `<!doctype html><html lang="en"><head><meta charset="utf-8">` +
  `<meta name="viewport" content="width=device-width, initial-scale=1"><title>Reluctance: study</title>` +
  `<style>${style}</style></head><body><h1>Study: where the claims hold</h1>` +
  intro.map((text) => `<p>${escaped(text).replace(/`([^`]*)`/g, "<code>$1</code>")}</p>`).join("") +
  sections.map(({ heading, text, tables, charts: names = [] }) => `<h2>${escaped(heading)}</h2>` +
    `<p>${escaped(text)}</p>` + names.filter(chartNamed).map((name) =>
      `<figure>${chartNamed(name).svg}<figcaption>${escaped(chartNamed(name).caption)}</figcaption></figure>`)
      .join("") + tables.map(htmlTable).join("")).join("\n") + "</body></html>\n";

mkdirSync(join(docs, "study"), { recursive: true });
for (const chart of charts) writeFileSync(join(docs, "study", `${chart.name}.svg`), chart.svg);
writeFileSync(join(docs, "study.md"), markdown);
writeFileSync(join(folder, "study.html"), page);
console.log(`${join(docs, "study.md")}\n${join(folder, "study.html")}`);
