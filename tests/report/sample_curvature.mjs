// Made-up curvature of the parameters (claim 3) in the layout of docs/results.md.
import { image, picture, random } from "./sample_parts.mjs";

const modes = 5;

function spectrum(top) {
  const eigenvalues = Array.from({ length: modes }, (_, index) =>
    (top / (1 + 0.55 * index)) * (1 - 0.1 * random()));
  return { eigenvalues, residuals: eigenvalues.map((value) => 1e-4 * value) };
}

// Shares that fall off the faster, the larger `focus`; `half` counts how many make up one half.
function carrier(eigenvalue, images, focus) {
  const weights = Array.from({ length: images }, (_, index) => (index + 1) ** -focus);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let held = 0;
  const half = weights.findIndex((weight) => (held += weight / total) >= 0.5) + 1;
  return { eigenvalue, half, shares: weights.slice(0, 50).map((weight) => weight / total) };
}

function example(index, shape, share) {
  return {
    sample: 13 * index + 2,
    label: index % 10,
    prediction: index === 1 ? 7 : index % 10,
    share,
    clean: image(picture(shape), shape),
  };
}

const training = (epsilon) => (epsilon > 0
  ? { kind: "adversarial", norm: "l2", epsilon }
  : { kind: "vanilla", norm: null, epsilon: 0 });

function condition(epsilon, shape, { images, top }) {
  const focus = 0.7 + epsilon ** 0.5;
  const hessian = spectrum(top * (1 + epsilon));
  const effective = epsilon > 0 ? spectrum(top * (1 + 3.5 * epsilon)) : null;
  const carriers = (effective ?? hessian).eigenvalues.map((eigenvalue, index) =>
    carrier(eigenvalue, images, focus * 0.93 ** index));
  const { half, shares } = carriers[0];
  return {
    ...training(epsilon),
    attack: epsilon > 0 ? `pgd, l2, epsilon ${epsilon}, 50 steps, step size 0.05` : null,
    fooled: epsilon / (1 + epsilon),
    loss: 0.2 + epsilon,
    hessian,
    gauss_newton: spectrum(0.96 * top * (1 + epsilon)),
    effective,
    smooth: epsilon > 0 ? 1 - 0.2 * epsilon : 1,
    trace: { value: 9 * top * (1 + epsilon), standard_error: 0.2 * top },
    carriers,
    overlap: epsilon > 0
      ? { count: half, common: Math.ceil(0.7 * half), by_chance: half ** 2 / images }
      : null,
    examples: Array.from({ length: 6 }, (_, index) => example(index, shape, shares[index])),
  };
}

function rate({ epsilon, hessian, effective }) {
  const critical = (values) => 2 / (1.08 * values.eigenvalues[0]);
  const predicted = critical(effective ?? hessian);
  const ratio = 1.02 + 0.2 * epsilon * (0.4 - epsilon);
  return { ...training(epsilon), settled: 60, width: 0, momentum: 0, hessian: critical(hessian), predicted,
           measured: ratio * predicted, ratio,
           by_differences: { largest: 2 / (ratio * predicted), smallest: -0.05 / predicted,
                             secant: 2.4 / predicted } };
}

// Nodes and weights of a Lanczos quadrature: a bulk at zero, a few outliers.
function density(top, parameters) {
  const bulk = Array.from({ length: 50 }, (_, index) => {
    const place = (index - 20) / 30;
    return { node: Math.sign(place) * 0.02 * top * Math.abs(place) ** 4,
             weight: Math.exp(-14 * place ** 2) };
  });
  const total = bulk.reduce((sum, { weight }) => sum + weight, 0) / (1 - 9 / parameters);
  const outliers = Array.from({ length: 9 }, (_, index) =>
    ({ node: top / 1.4 ** index, weight: total / parameters }));
  const all = [...bulk, ...outliers].sort((first, second) => first.node - second.node);
  return { nodes: all.map(({ node }) => node), weights: all.map(({ weight }) => weight / total) };
}

export function curvature(shape, { top, parameters }) {
  const images = 500;
  const conditions = [0, 0.25, 0.5, 1].map((epsilon) => condition(epsilon, shape, { images, top }));
  return { data: "fashion-mnist:train", samples: images, conditions, rates: conditions.map(rate),
           density: density(top, parameters) };
}
