// Made-up dynamics of the perturbation (claim 1) in the layout of docs/results.md.
import { blend, cosine, image, picture, share, spread, waves } from "./sample_parts.mjs";

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
export function dynamics(shape, stiffness) {
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
      relative: beta / half,
      beta: spread(beta),
      beta_lambda: spread(4 * reach, 2.5),
      fooled: 1 / (1 + (half / beta) ** 2),
      gates_flipped: share(0.24 * turn),
      norm: spread(0.3 * beta),
      leaves_box: 0.9,
      outside: spread(0.4),
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
    right: 980,
    fooled: 975,
    tolerance: 0.03,
    spectrum,
    sweep,
    segments: [0.3, 0.1, 0.03].map((tolerance) => ({
      tolerance,
      error: spread(0.3 * tolerance),
      segments: 1 / tolerance,
      forward: 5 / tolerance,
      backward: 22 / tolerance,
    })),
    examples: [0, 1, 2, 3].map((index) => example(index, shape, half)),
  };
}
