// The numbers of claim 3, and where they are in results.json.
"use strict";

const curvatureNumbers = (() => {
  const { number, percent, count, missing } = format;
  const right = (title) => ({ title, number: true });
  const all = (values, one = number) => (values?.length > 0 ? values.map(one).join(", ") : missing);

  function conditionTable({ title, curvature }, nameOf) {
    const columns = ["condition", "attack",
      ...["images fooled", "loss", "Hessian", "Gauss-Newton", "effective", "largest residual",
          "attack has settled", "trace of the Hessian", "images that hold half",
          "of the most boosted (by chance)"].map(right)];
    return dom.table(`${title}: every condition; eigenvalues from the largest`, columns,
      curvature.conditions.map((one) => {
        const spectra = [one.hessian, one.gauss_newton, one.effective];
        const residuals = spectra.flatMap((spectrum) => spectrum?.residuals ?? []);
        const { trace, overlap } = one;
        return [
          nameOf(one), one.attack ?? "none", percent(one.fooled), number(one.loss),
          ...spectra.map((spectrum) => all(spectrum?.eigenvalues)),
          residuals.length > 0 ? number(Math.max(...residuals)) : missing,
          percent(one.smooth),
          trace ? `${number(trace.value)} ± ${number(trace.standard_error)}` : missing,
          all(one.carriers?.map(({ half }) => half), count),
          overlap
            ? `${count(overlap.common)} of ${count(overlap.count)} (${number(overlap.by_chance)})`
            : missing,
        ];
      }));
  }

  const keys = [
    ["data", "where the images are from"],
    ["samples", "images used, the whole batch of the trainings"],
    ["conditions[].kind, norm, epsilon, attack", "vanilla training, then adversarial training"],
    ["conditions[].fooled, loss", "share of the images that are fooled; mean loss"],
    ["conditions[].hessian, gauss_newton, effective", "largest eigenvalues and their residuals"],
    ["conditions[].smooth", "share of images whose attack has settled on a strict maximum"],
    ["conditions[].trace", "trace of the Hessian, with its standard error"],
    ["conditions[].carriers", "images that hold half of each eigenvalue; the largest shares"],
    ["conditions[].overlap", "those images among as many most boosted ones, and by chance"],
    ["conditions[].examples", "the images above"],
    ["rates", "critical learning rates, predicted and measured"],
    ["density", "spectral density of the Hessian without attack: nodes and weights"],
  ];

  return (networks, nameOf) => chapter.numbers("curvature",
    networks.filter(({ curvature }) => curvature.conditions?.length > 0)
      .map((network) => conditionTable(network, nameOf)), keys);
})();
