// Made-up influence of samples (claim 2) in the layout of docs/results.md.
import { image, picture, random, spread, waves } from "./sample_parts.mjs";

const sigmoid = (margin) => 1 / (1 + Math.exp(-margin));

// How the softplus of a margin climbs when its input follows the gradient, and what that does to
// the gradient: exact for two classes.
function binaryBoost(margin, squaredGradient, beta) {
  const steps = 200;
  let climbed = margin;
  for (let step = 0; step < steps; step++) {
    climbed += (beta / steps) * squaredGradient * sigmoid(climbed);
  }
  return sigmoid(climbed) / sigmoid(margin);
}

// Images of which most are classified with confidence.
function images(count, stiffness) {
  return Array.from({ length: count }, (_, index) => {
    const unconfidence = 10 ** -(0.1 + 5.5 * random() ** 0.8);
    const squaredGradient = stiffness * 4 * Math.exp(1.6 * (random() - 0.5));
    return {
      label: index % 10,
      confidence: 1 - unconfidence,
      margin: Math.log(unconfidence / (1 - unconfidence)),
      squaredGradient,
      kappa: unconfidence * (1 - unconfidence) * squaredGradient,
      weight: unconfidence * Math.exp(random()),
      misfit: 0.5 * (random() - 0.6),
    };
  });
}

function boosts({ margin, squaredGradient, kappa, misfit }, beta) {
  const region = binaryBoost(margin, squaredGradient, beta);
  const exponent = beta * kappa;
  return { measured: region ** (1 + misfit), quadratic: exponent > 30 ? null : Math.exp(exponent),
           region };
}

function cloud(all, beta) {
  return {
    beta,
    points: all.map((one) => {
      const { measured, quadratic, region } = boosts(one, beta);
      return {
        label: one.label,
        confidence: one.confidence,
        kappa: one.kappa,
        measured,
        quadratic,
        region,
        gradient_norm: { clean: one.weight, adversarial: one.weight * measured },
      };
    }),
  };
}

// A raw attack for the norm null. `reach` runs from 0 for the weakest attack to 1 for the strongest.
function strength(norm, value, reach, { half, clean, change }) {
  const low = change - 0.02;
  const high = change + 0.02;
  return {
    kind: norm ? "pgd" : "raw",
    norm,
    strength: value,
    description: norm ? `pgd, ${norm}, epsilon ${value}, 20 steps, step size 0.01`
                      : `raw, beta ${value}, 1000 steps`,
    fooled: 0.02 + 0.48 * reach ** 2,
    gates_flipped_share: 0.01 + 0.1 * reach,
    effective_beta: spread(norm ? half * reach : value, norm ? 3 : 1),
    boost: {
      measured: spread(1.05 + 6 * reach ** 2, 1.3 + 2 * reach),
      quadratic: spread(1.06 + 18 * reach ** 3, 1.4 + 4 * reach),
      region: spread(1.05 + 7 * reach ** 2, 1.3 + 2.2 * reach),
    },
    outside_range: reach > 0.9 ? 0.04 : 0,
    rank_correlation: { quadratic: 0.98 - 0.5 * reach ** 2, region: 0.99 - 0.12 * reach },
    slope: { value: 0.97 - 0.3 * reach, low: 0.94 - 0.32 * reach, high: 1 - 0.28 * reach },
    concentration: {
      clean: { effective_share: clean, gini: 0.86, top1: 0.12, top5: 0.41 },
      adversarial: { effective_share: clean + change, gini: 0.86 - change, top1: 0.12 - change / 8,
                     top5: 0.41 - change / 2 },
    },
    change: { value: change, low, high },
    regime: low > 0 ? "evens out" : high < 0 ? "concentrates" : "unchanged",
  };
}

function example(one, index, shape, beta) {
  return {
    sample: 31 * index + 5,
    label: one.label,
    prediction: one.label,
    attacked_prediction: index === 3 ? one.label : (one.label + 2) % 10,
    confidence: one.confidence,
    kappa: one.kappa,
    boost: boosts(one, beta),
    gradient_norm: { clean: one.weight, adversarial: one.weight * boosts(one, beta).measured },
    rank: { clean: 3 * index + 2, adversarial: index + 1 },
    clean: image(picture(shape), shape),
    real: image(waves(shape, index), shape),
  };
}

export function influence(shape, stiffness) {
  const half = 2.5 / stiffness;
  const all = images(240, stiffness);
  const weak = half * 1.8 ** -3;
  const clean = 0.11;
  const ladder = (norm, values, change) => values.map((value, index) => {
    const reach = (index + 1) / values.length;
    return strength(norm, value, reach, { half, clean, change: change(reach) });
  });
  const pull = (one) => one.weight * boosts(one, half).measured;
  const ranked = [...all].sort((first, second) => pull(second) - pull(first));
  return {
    samples: 240,
    steps: 1000,
    fooled_half_beta: half,
    strengths: [
      ...ladder(null, Array.from({ length: 7 }, (_, step) => half * 1.8 ** (step - 6)),
                (reach) => -0.045 * Math.sin(4 * reach)),
      ...ladder("l2", [0.125, 0.25, 0.5, 1], (reach) => 0.3 * reach),
      ...ladder("linf", [0.0125, 0.025, 0.05], (reach) => 0.4 * reach - 0.1),
    ],
    clouds: [cloud(all, weak), cloud(all, half)],
    examples: ranked.slice(0, 10).map((one, index) => example(one, index, shape, half)),
  };
}
