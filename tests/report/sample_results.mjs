// Prints made-up results in the layout of docs/results.md, for tests of the report page.
//   node sample_results.mjs full      every key filled, two networks
//   node sample_results.mjs sparse    null, missing and empty wherever a run may leave them so
//   node sample_results.mjs hostile   strings that try to become HTML, script or a very wide page
//   node sample_results.mjs empty     nothing but the version of the layout

const hostileText = `<img src=x onerror=alert(1)></script><script>alert(2)</script>"'&{{x}}`;
const wideText = "averylongnamewithoutanyspaces".repeat(8);

// A small generator with a fixed seed (mulberry32), so that every run prints the same file.
let state = 7;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}

// Quantiles of a positive quantity that spreads by a factor.
function spread(median, factor = 2) {
  const centre = median * (1 + 0.06 * (random() - 0.5));
  return {
    q05: centre / factor ** 2.4,
    q25: centre / factor,
    median: centre,
    q75: centre * factor,
    q95: centre * factor ** 2.4,
  };
}

const map = (quantiles, change) =>
  Object.fromEntries(Object.entries(quantiles).map(([key, value]) => [key, change(value)]));

// Quantiles of a share: kept within [0, 1].
const share = (median, factor = 1.3) => map(spread(median, factor), (value) => Math.min(1, value));

// Quantiles of a cosine whose angle grows with `error`.
function cosine(error) {
  const { q05, q25, median, q75, q95 } = map(spread(error), (value) => 1 / Math.hypot(1, value));
  return { q05: q95, q25: q75, median, q75: q25, q95: q05 };
}

function image(values, [channels, height, width]) {
  const scale = Math.max(...values.map(Math.abs)) || 1;
  const bytes = Int8Array.from(values, (value) => Math.round((value / scale) * 127));
  return {
    shape: [channels, height, width],
    scale,
    base64: Buffer.from(bytes.buffer).toString("base64"),
  };
}

// A T-shirt of sorts, and a smooth perturbation with a few waves.
function picture([channels, height, width]) {
  return Array.from({ length: channels * height * width }, (_, index) => {
    const x = ((index % width) / width) * 2 - 1;
    const y = ((Math.floor(index / width) % height) / height) * 2 - 1;
    const sleeves = y < -0.3 && Math.abs(x) < 0.85 + 0.3 * y;
    const body = Math.abs(x) < 0.45 && Math.abs(y) < 0.8;
    return sleeves || body ? 0.55 + 0.25 * Math.sin(5 * x + 3 * y) : 0;
  });
}

function waves([channels, height, width], seed) {
  return Array.from({ length: channels * height * width }, (_, index) => {
    const x = (index % width) / width;
    const y = (Math.floor(index / width) % height) / height;
    const envelope = Math.exp(-8 * ((x - 0.5) ** 2 + (y - 0.5) ** 2));
    return 0.12 * envelope * Math.sin(9 * x + seed) * Math.cos(7 * y - 2 * seed);
  });
}

const blend = (values, amount) => values.map((value) => value * (1 + amount * (random() - 0.4)));

function example(index, shape, beta) {
  const clean = picture(shape);
  const real = waves(shape, index);
  return {
    sample: 17 * index + 3,
    label: index % 10,
    prediction: index % 10,
    attacked_prediction: index === 2 ? index % 10 : (index + 3) % 10,
    beta,
    gates_flipped: 0.02 * (index + 1),
    error: { quadratic: 0.31 * (index + 1), region: 0.04 * (index + 1) },
    clean: image(clean, shape),
    real: image(real, shape),
    quadratic: image(blend(real, 0.9), shape),
    region: image(blend(real, 0.15), shape),
  };
}

// `stiffness` scales the curvature of the loss: the larger, the sooner theory and attack part.
function dynamics(shape, stiffness) {
  const spectrum = Array.from({ length: 9 }, (_, index) => ({
    index: index + 1,
    eigenvalue: spread((stiffness * 4) / 3.2 ** index, 2.5),
  }));
  const half = 2.5 / stiffness;
  const sweep = Array.from({ length: 12 }, (_, step) => {
    const beta = half * 1.8 ** (step - 11);
    const reach = beta * stiffness;
    const quadratic = 0.9 * reach ** 1.1;
    const region = 0.12 * reach ** 0.7;
    const segments = 0.02 * reach ** 0.5;
    const turn = reach / (reach + 0.7);
    return {
      beta,
      beta_lambda: spread(4 * reach, 2.5),
      fooled: 1 / (1 + (half / beta) ** 2),
      gates_flipped: share(0.24 * turn),
      norm: spread(0.3 * beta),
      error: {
        quadratic: spread(quadratic),
        region: spread(region),
        segments: spread(segments),
      },
      cosine: {
        quadratic: cosine(quadratic),
        region: cosine(region),
        segments: cosine(segments),
      },
      outside_range: step === 11 ? 0.08 : 0,
      top_share: {
        real: [share(0.45 + 0.3 * turn, 1.2), share(0.62 + 0.26 * turn, 1.1),
               share(0.71 + 0.22 * turn, 1.06)],
        quadratic: [share(0.45 + 0.5 * turn, 1.1), share(0.62 + 0.36 * turn, 1.05),
                    share(0.71 + 0.28 * turn, 1.02)],
        region: [share(0.45 + 0.31 * turn, 1.2), share(0.62 + 0.27 * turn, 1.1),
                 share(0.71 + 0.23 * turn, 1.06)],
      },
      growth: spectrum.slice(0, 5).map(({ index, eigenvalue }) => {
        const predicted = Math.exp(Math.min(beta * eigenvalue.median, 14));
        return {
          index,
          predicted: spread(predicted, 1.05),
          measured: spread(predicted ** 0.92, 1.3),
        };
      }),
    };
  });
  return {
    samples: 1000,
    steps: 1000,
    fooled_half_beta: half,
    spectrum,
    sweep,
    segments: {
      beta: half,
      errors: [1, 2, 4, 8, 16, 32].map((segments) => ({
        segments,
        tangent: spread(0.5 / segments ** 0.9),
        chord: spread(0.2 / segments ** 1.7),
      })),
    },
    examples: [0, 1, 2, 3].map((index) => example(index, shape, half)),
  };
}

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
    },
    accuracy: {
      clean: interval(clean),
      robust: {
        ...interval(robust),
        attack: "pgd, linf, epsilon 0.05, 20 steps, step size 0.0125",
      },
    },
    dynamics: dynamics(shape, stiffness),
  };
}

function full(shape = [1, 28, 28]) {
  return {
    format: 1,
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
    claims: [{
      id: "dynamics",
      number: 1,
      title: "Perturbations follow the top eigenvectors of the input Hessian",
      statement: "A multi-step attack on a ReLU network has an analytic solution, and the " +
          "perturbation it yields strengthens the eigenvectors of the few largest eigenvalues " +
          "of the Hessian of the loss with respect to the input.",
      source: "Cheng et al., Why Adversarial Training of ReLU Networks Is Difficult?, 2022",
      verdicts: [
        {
          network: "plain",
          verdict: "partly",
          summary: "The region-exact solution stays within 10% of the attack up to β = 0.64, the " +
              "quadratic one only up to β = 0.08.",
          checks: [
            { what: "median relative error of the quadratic solution where half are fooled",
              value: 0.18, relation: "<=", threshold: 0.1, passed: false },
            { what: "median relative error of the region-exact solution where half are fooled",
              value: 0.013, relation: "<=", threshold: 0.1, passed: true },
            { what: "median share of the perturbation in the top 3 eigenvectors",
              value: 0.93, relation: ">=", threshold: 0.9, passed: true },
          ],
        },
        {
          network: "adversarial",
          verdict: "holds",
          summary: "Both solutions stay within 10% of the attack where half of the images are " +
              "fooled, and 93% of the perturbation lies in three directions.",
          checks: [
            { what: "median relative error of the quadratic solution where half are fooled",
              value: 0.047, relation: "<=", threshold: 0.1, passed: true },
            { what: "median share of the perturbation in the top 3 eigenvectors",
              value: 0.93, relation: ">=", threshold: 0.9, passed: true },
          ],
        },
      ],
    }],
  };
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
  plain.dynamics.fooled_half_beta = null;
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
  results.networks.push({ ...plain, id: "brought", title: "Brought along", dynamics: null });
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
  results.data.class_names = results.data.class_names.map(() => hostileText);
  for (const network of results.networks) {
    network.title = hostileText;
    network.file = wideText;
    network.architecture = `${wideText} ${hostileText}`;
    network.accuracy.robust.attack = hostileText;
  }
  const [claim] = results.claims;
  claim.title = hostileText;
  claim.statement = wideText;
  claim.source = hostileText;
  for (const verdict of claim.verdicts) {
    verdict.verdict = hostileText;
    verdict.summary = wideText;
    verdict.checks[0].what = hostileText;
    verdict.checks[0].relation = hostileText;
  }
  return results;
}

const empty = () => ({ format: 1 });

const variants = { full, sparse, hostile, empty };
const variant = variants[process.argv[2] ?? "full"];
if (!variant) {
  console.error(`usage: node sample_results.mjs [${Object.keys(variants).join("|")}]`);
  process.exit(2);
}
process.stdout.write(`${JSON.stringify(variant(), null, 1)}\n`);
