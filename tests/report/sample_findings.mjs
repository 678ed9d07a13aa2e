// Made-up advice, watched trainings and earlier findings in the layout of docs/results.md.
export const advice = [
  { action: "Train with a learning rate below 0.13: the rate 0.3 was 2.2 times the critical one " +
      "at step 8",
    evidence: "Above the critical rate at 3 of 18 steps at which the curvature was asked for; 4 " +
      "of 1000 images hold half of the largest curvature (l2, epsilon 1): number 21, 188, 467, 512.",
    severity: 2.24 },
];

export function diagnosis(learningRate, scale) {
  return [1, 2, 4, 8, 16, 32, 64, 100, 200, 300, 400].map((step) => {
    const effective = (scale * learningRate * 40) / (1 + step / 40);
    return {
      step, learning_rate: learningRate, loss: 2.3 / (1 + step / 90), accuracy: 0.1 + step / 800,
      rate_times_curvature: { hessian: effective * 0.7, hessian_adversarial: effective * 0.9,
                              effective },
      critical: 3.8, critical_rate: (3.8 * learningRate) / effective, cosine: 0.8, opposed: 0,
      sign_flips: [0.2, 0.2, 0.1], seconds: 0.9,
    };
  });
}

const finding = (name, verdict, certain, checks) => ({
  name,
  title: `A finding called ${name}`,
  source: "Somebody, Something about Adversarial Training, Somewhere 2020",
  prediction: "The largest eigenvalue grows with the budget.",
  explained_by: ["Theorem 6", "Lemma 1"],
  experiment: "Small perceptrons trained in L2.",
  expected: "Holds.",
  verdict,
  certain,
  summary: "A sentence on what came out.",
  checks,
  seconds: 12.5,
});

export const findings = [
  finding("sharper-weights", "holds", false, [
    { what: "slope of the log largest curvature over the budget", value: 0.45, low: -0.03,
      high: 0.93, relation: ">=", threshold: 0, passed: true, certain: false },
    { what: "largest curvature under attack, relative to none", value: 1.9, low: 1.78, high: 2.03,
      relation: ">=", threshold: 1, passed: true, certain: true },
  ]),
  finding("flat-weights-gap", "does not hold", true, [
    { what: "rank correlation of curvature and gap", value: -0.57, low: -0.92, high: -0.22,
      relation: ">=", threshold: 0.5, passed: false, certain: true },
  ]),
  finding("capacity-and-data", "cannot be tested", true, []),
];
