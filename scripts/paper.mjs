// Puts the networks of scripts/paper together: node scripts/paper.mjs FOLDER DOCUMENT
// Reads the results.json and training.json of each network below FOLDER and writes the part of DOCUMENT between its
// two marks; a document without marks, or none, becomes that part. Every number is read from a run.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder, document] = process.argv.slice(2);
if (!document || !existsSync(folder)) {
  console.error("usage: node scripts/paper.mjs FOLDER DOCUMENT");
  process.exit(2);
}

const marks = ["<!-- written by scripts/paper.mjs -->", "<!-- end of what scripts/paper.mjs writes -->"];
const dataNames = { mnist: "MNIST", cifar10: "CIFAR-10" };
const architectures = { vgg11: "VGG-11", alexnet: "AlexNet", resnet18: "ResNet-18" };
const trainings = { plain: "plain", linf: "adversarial", squared: "adversarial, squared error" };
// What is known of the paper's own statistics. It prints more than can be seen without it.
const published = { "kappa where attack and step are of squared error": "0.097 is a value of its table 2" };

// ----- what was run -----

const read = (...parts) => JSON.parse(readFileSync(join(folder, ...parts), "utf8"));
const networks = Object.keys(dataNames).flatMap((data) => Object.keys(architectures).flatMap((architecture) =>
  Object.keys(trainings).map((training) => ({ data, architecture, training,
                                              name: `${data}-${architecture}-${training}` }))))
  .filter(({ name }) => existsSync(join(folder, name, "results.json")))
  .map((one) => ({ ...one, record: read(one.name, "training.json"),
                   network: read(one.name, "results.json").networks[0] }));
if (networks.length === 0) {
  console.error(`${folder}: has no network's results.json; run scripts/paper`);
  process.exit(2);
}

// ----- words -----

const number = (value) => (value === null ? "–" : String(+value.toPrecision(3)));
const percent = (share) => `${(100 * share.value).toFixed(0)}%`;
const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
const table = (head, rows) => [row(head), `|${"---|".repeat(head.length)}`, ...rows.map(row)].join("\n");
const bare = (what) => what.replace(/ \(\d+ of \d+ images left out\)$/, "");

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const spread = (values) => (values.length === 0
  ? "–"
  : `${number(median(values))} (${number(Math.min(...values))} to ${number(Math.max(...values))})`);

// ----- tables -----

const ofNetworks = table(
  ["network", "epochs", "answers right", "under PGD in L∞ 0.05", "images tested"],
  networks.map(({ data, architecture, training, record, network }) =>
    [`${dataNames[data]}, ${architectures[architecture]}, ${trainings[training]}`, record.epochs,
     percent(network.accuracy.clean), percent(network.accuracy.robust), network.paper.samples]));

const results = networks[0].network.paper.results;
const verdicts = ["holds", "partly", "does not hold", "cannot be tested"];
const found = (name) => networks.map((one) => one.network.paper.results.find((each) => each.name === name));
const ofVerdicts = table(
  ["result", ...verdicts, "uncertain"],
  results.map(({ name, number: which, title }) =>
    [`**${which}**: ${title}`,
     ...verdicts.map((verdict) => found(name).filter((each) => each.verdict === verdict).length),
     found(name).filter((each) => !each.certain).length]));

// Each check, in the order of the first network that has it.
const whats = (name) => [...new Set(found(name).flatMap(({ checks }) => checks.map(({ what }) => bare(what))))];
const valuesOf = (name, what, training) => networks
  .filter((one) => !training || one.training === training)
  .flatMap((one) => one.network.paper.results.find((each) => each.name === name).checks)
  .filter((check) => bare(check.what) === what && check.value !== null);
const ofStatistics = table(
  ["result", "statistic", "threshold", "passed", ...Object.values(trainings), "the paper's"],
  results.flatMap(({ name, number: which }) => whats(name).map((what) => {
    const all = valuesOf(name, what);
    const { relation, threshold } = all[0] ?? {};
    return [which, what, `${relation === "<=" ? "at most" : "at least"} ${threshold}`,
            `${all.filter(({ passed }) => passed).length} of ${all.length}`,
            ...Object.keys(trainings).map((training) =>
              spread(valuesOf(name, what, training).map(({ value }) => value))),
            published[what] ?? "–"];
  })));

const total = Object.keys(dataNames).length * Object.keys(architectures).length * Object.keys(trainings).length;
const text = `${marks[0]}

${networks.length} of ${total} networks. Accuracies are of the images that were tried.

${ofNetworks}

Verdicts, on how many networks:

${ofVerdicts}

Each statistic by training: its median over the networks (least to greatest).

${ofStatistics}

${marks[1]}`;

const old = existsSync(document) ? readFileSync(document, "utf8") : "";
const [begin, end] = marks.map((mark) => old.indexOf(mark));
writeFileSync(document, begin >= 0 && end > begin
  ? old.slice(0, begin) + text + old.slice(end + marks[1].length)
  : `${text}\n`);
console.log(`${document}: ${networks.length} of ${total} networks`);
