// Made-up verdicts on claims 1 to 3 in the layout of docs/results.md.
const source = "Cheng et al., Why Adversarial Training of ReLU Networks Is Difficult?, 2022";

export const dynamicsClaim = {
  id: "dynamics",
  number: 1,
  title: "Perturbations follow the top eigenvectors of the input Hessian",
  statement: "A multi-step attack on a ReLU network has an analytic solution, and the " +
      "perturbation it yields strengthens the eigenvectors of the few largest eigenvalues " +
      "of the Hessian of the loss with respect to the input.",
  source,
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
};

export const influenceClaim = {
  id: "influence",
  number: 2,
  title: "Attacks boost the influence of uncertain, steep images",
  statement: "An attack multiplies the weight of an image in training by a factor that grows " +
      "exponentially with its unconfidence and with its squared gradient.",
  source,
  verdicts: [
    {
      network: "plain",
      verdict: "holds",
      summary: "Predicted and measured boosts rank the images alike (0.98) at the weak strength.",
      checks: [
        { what: "rank correlation of the region-exact boost at the weak strength", value: 0.98,
          relation: ">=", threshold: 0.9, passed: true },
      ],
    },
    {
      network: "adversarial",
      verdict: "does not hold",
      summary: "The weights even out instead of concentrating.",
      checks: [
        { what: "change of the effective share under the strongest attack", value: 0.29,
          relation: "<=", threshold: 0, passed: false },
      ],
    },
  ],
};

export const curvatureClaim = {
  id: "curvature",
  number: 3,
  title: "Adversarial training feels a larger curvature, carried by few images",
  statement: "The attack follows the parameters, which adds curvature: training oscillates at " +
      "smaller learning rates, and along directions that a few images decide.",
  source,
  verdicts: [
    {
      network: "plain",
      verdict: "holds",
      summary: "The critical learning rate falls to a quarter, as predicted.",
      checks: [
        { what: "measured over predicted critical learning rate, l2, epsilon 0.5", value: 1.01,
          relation: "<=", threshold: 1.15, passed: true },
      ],
    },
    {
      network: "adversarial",
      verdict: "cannot be tested",
      summary: "No training of this network became unstable.",
      checks: [],
    },
  ],
};
