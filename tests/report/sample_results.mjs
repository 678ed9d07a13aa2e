// Prints made-up results in the layout of docs/results.md, for tests of the report page.
//   node sample_results.mjs full      every key filled, two networks
//   node sample_results.mjs sparse    null, missing and empty wherever a run may leave them so
//   node sample_results.mjs older     no claim but the first, as early versions wrote
//   node sample_results.mjs hostile   strings that try to become HTML, script or a very wide page
//   node sample_results.mjs empty     nothing but the version of the layout
import { curvatureClaim, dynamicsClaim, influenceClaim } from "./sample_claims.mjs";
import { curvature } from "./sample_curvature.mjs";
import { dynamics } from "./sample_dynamics.mjs";
import { advice, diagnosis, findings } from "./sample_findings.mjs";
import { influence } from "./sample_influence.mjs";
import { paper } from "./sample_paper.mjs";
import { map, spread } from "./sample_parts.mjs";

const hostileText =
  `</script><img src=x onerror=alert(1)><script>alert(2)</script>"'+alert(3)+'&{{x}}`;
const wideText = "averylongnamewithoutanyspaces".repeat(8);

const interval = (value) => ({
  value,
  low: value - 0.006,
  high: value + 0.006,
  samples: 10000,
});

function network(id, title, shape, { stiffness, clean, robust, attack }) {
  return {
    id,
    title,
    file: `${id}.onnx`,
    architecture: "784-256-256-256-10, ReLU",
    parameters: 335114,
    training: {
      method: attack ? "adversarial" : "plain",
      attack,
      epochs: 20,
      learning_rate: 0.05,
      batch_size: 128,
      seconds: attack ? 412.7 : 61.2,
      diagnosis: diagnosis(0.05, attack ? 2 : 1),
    },
    accuracy: {
      clean: interval(clean),
      robust: {
        ...interval(robust),
        attack: "pgd, linf, epsilon 0.05, 20 steps, step size 0.0125",
      },
    },
    robustness: ["linf", "l2"].map((norm) => ({
      norm,
      points: Array.from({ length: 41 }, (_, index) => ({
        budget: (norm === "l2" ? 0.1 : 0.005) * index,
        robust: { ...interval(clean * Math.exp(-index / (attack ? 15 : 3))), samples: 256 },
      })),
    })),
    advice: attack ? [] : structuredClone(advice),
    dynamics: dynamics(shape, stiffness),
    influence: influence(shape, stiffness),
    curvature: curvature(shape, { top: 12 * stiffness, parameters: 335114 }),
    paper: paper(stiffness),
  };
}

function full(shape = [1, 28, 28]) {
  return {
    format: 2,
    run: {
      program: "reluctance 0.1.0",
      command: "reluctance explain --data fashion-mnist:test --seed 1 --threads 2 --out out",
      seed: 1,
      threads: 2,
      device: "cpu",
      started: "2026-11-23T01:02:03Z",
      seconds: 734.2,
      machine: {
        processor: "Some Processor @ 2.50GHz",
        cores: 2,
        memory_bytes: 8 * 2 ** 30,
        system: "Debian GNU/Linux 12 (bookworm)",
      },
      libraries: { libtorch: "1.13.1", eigen: "3.4.0", protobuf: "3.21.12" },
    },
    data: {
      name: "fashion-mnist:test",
      samples: 10000,
      shape,
      classes: 10,
      class_names: ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                    "Sneaker", "Bag", "Ankle boot"],
      checksum: "crc32:1f2e3d4c",
    },
    networks: [
      network("plain", "Trained plainly", shape,
              { stiffness: 4, clean: 0.893, robust: 0.071, attack: null }),
      network("adversarial", "Trained adversarially", shape,
              { stiffness: 0.5, clean: 0.842, robust: 0.701,
                attack: "pgd, linf, epsilon 0.05, 7 steps" }),
    ],
    claims: structuredClone([dynamicsClaim, influenceClaim, curvatureClaim]),
    findings: structuredClone(findings),
  };
}

function sparseInfluence(influence) {
  influence.fooled_half_beta = null;
  const [weak, next] = influence.strengths;
  weak.boost.quadratic = map(weak.boost.quadratic, () => null);
  weak.outside_range = 1;
  weak.rank_correlation = { quadratic: null, region: null };
  weak.slope = null;
  weak.concentration = null;
  weak.change = null;
  weak.regime = null;
  next.effective_beta = null;
  next.boost.measured = map(next.boost.measured, () => 0);
  const [first, second] = influence.clouds[1].points;
  first.quadratic = null;
  first.region = 0;
  second.measured = 1e60;
  second.kappa = 0;
  const [example, other] = influence.examples;
  example.boost.quadratic = null;
  example.attacked_prediction = null;
  example.real = null;
  other.clean = null;
}

function sparseCurvature(curvature) {
  const [vanilla, weak, middle] = curvature.conditions;
  vanilla.hessian = { eigenvalues: [-0.5], residuals: [1e-4] };
  vanilla.gauss_newton = null;
  vanilla.carriers = [];
  vanilla.examples = [];
  weak.carriers[0].shares = [1.2, -0.1, -0.05];
  weak.overlap = null;
  middle.effective = null;
  curvature.rates[1].measured = null;
  curvature.rates[1].ratio = null;
  curvature.density = null;
}

// A curve of one norm, with a point that is missing, and none at all for the other network.
function sparseRobustness(plain, adversarial) {
  plain.robustness = plain.robustness.slice(0, 1);
  plain.robustness[0].points[3].robust.value = null;
  delete adversarial.robustness;
}

function sparse() {
  const results = full([3, 8, 8]);
  const [plain, adversarial] = results.networks;
  results.data.class_names = null;
  results.run.libraries = {};
  delete results.run.machine;
  plain.training = null;
  plain.accuracy.robust = null;
  plain.dynamics.spectrum = [];
  plain.dynamics.sweep = [];
  plain.dynamics.segments = null;
  plain.dynamics.examples[0].quadratic = null;
  plain.dynamics.examples[0].error.quadratic = null;
  const [first, second] = adversarial.dynamics.sweep;
  first.error.quadratic = null;
  first.error.region = map(first.error.region, () => 0);
  first.growth = [];
  second.error.segments = map(second.error.segments, () => null);
  second.cosine = null;
  second.top_share.quadratic = null;
  second.growth[0].measured = map(second.growth[0].measured, (value) => -value);
  adversarial.dynamics.spectrum[8].eigenvalue = map(spread(1), () => 0);
  adversarial.dynamics.examples = [];
  plain.advice = null;
  adversarial.training.diagnosis[0].rate_times_curvature = null;
  adversarial.training.diagnosis[1].rate_times_curvature.effective = null;
  results.findings[0].checks[0].value = null;
  results.findings[1].checks[0].low = null;
  results.findings[1].checks[0].high = null;
  sparseRobustness(plain, adversarial);
  sparseInfluence(adversarial.influence);
  sparseCurvature(adversarial.curvature);
  const brought = { ...plain, id: "brought", title: "Brought along", dynamics: null };
  delete brought.influence;
  delete brought.curvature;
  results.networks.push(brought);
  plain.influence = null;
  plain.curvature = null;
  plain.paper = null;
  delete brought.paper;
  const [lines, points] = adversarial.paper.results;
  lines.checks[0].value = null;
  lines.chart.series[1].points = [];
  points.chart.series[0].points.forEach((point) => Object.assign(point, { x: null }));
  results.claims[0].verdicts = [
    { network: "plain", verdict: "cannot be tested", summary: "No image was classified correctly.",
      checks: [] },
    { network: "adversarial", verdict: "does not hold", summary: "No solution comes close.",
      checks: [{ what: "median relative error", value: null, relation: "<=", threshold: 0.1,
                 passed: false }] },
  ];
  return results;
}

function hostile() {
  const results = full([1, 8, 8]);
  results.run.command = `${hostileText} ${wideText}`;
  results.run.machine.processor = wideText;
  results.run.libraries = { [hostileText]: hostileText };
  results.data.name = `${hostileText}${wideText}`;
  results.data.class_names = results.data.class_names.map(() => `class ${hostileText}`);
  for (const finding of results.findings) {
    finding.title = hostileText;
    finding.source = wideText;
    for (const check of finding.checks) check.what = hostileText;
  }
  for (const network of results.networks) {
    for (const result of network.paper.results) {
      Object.assign(result, { title: hostileText, statement: wideText, later: hostileText });
      for (const one of result.chart?.series ?? []) one.name = `${hostileText} ${wideText}`;
    }
    for (const piece of network.advice) piece.action = `${hostileText} ${wideText}`;
    network.title = `title ${hostileText}`;
    network.file = `file ${hostileText} ${wideText}`;
    network.architecture = `${wideText} ${hostileText}`;
    network.accuracy.robust.attack = hostileText;
  }
  for (const { influence, curvature } of results.networks) {
    for (const strength of influence.strengths) {
      Object.assign(strength, { kind: hostileText, norm: hostileText, description: wideText,
                                regime: hostileText });
    }
    curvature.conditions.forEach((condition, index) => {
      const text = `${index} ${index % 2 ? wideText : hostileText}`;
      condition.attack = hostileText;
      // As a norm, and as a kind that nobody knows.
      for (const one of [condition, curvature.rates[index]]) one[index > 1 ? "norm" : "kind"] = text;
    });
  }
  for (const claim of results.claims) {
    claim.title = hostileText;
    claim.statement = wideText;
    claim.source = hostileText;
    for (const verdict of claim.verdicts) {
      verdict.verdict = hostileText;
      verdict.summary = wideText;
      for (const check of verdict.checks) {
        check.what = hostileText;
        check.relation = hostileText;
      }
    }
  }
  return results;
}

function older() {
  const results = full([1, 8, 8]);
  results.claims.splice(1);
  delete results.findings;
  for (const network of results.networks) {
    delete network.advice;
    delete network.training.diagnosis;
    delete network.robustness;
    delete network.paper;
  }
  const [plain, adversarial] = results.networks;
  plain.influence = null;
  plain.curvature = null;
  delete adversarial.influence;
  delete adversarial.curvature;
  return results;
}

const empty = () => ({ format: 2 });

const variants = { full, sparse, older, hostile, empty };
const variant = variants[process.argv[2] ?? "full"];
if (!variant) {
  console.error(`usage: node sample_results.mjs [${Object.keys(variants).join("|")}]`);
  process.exit(2);
}
process.stdout.write(`${JSON.stringify(variant(), null, 1)}\n`);
