// How far the nearest adversarial examples are: robust accuracy over budgets.
"use strict";

const robustness = (() => {
  const look = { ...charts.looks.region, name: "nearest-class attack" };
  const norms = ["linf", "l2"];

  const curveOf = (network, norm) =>
    (network.robustness ?? []).find((curve) => curve.norm === norm)?.points ?? [];

  const rowsOf = (network, norm) => curveOf(network, norm).map(({ budget, robust }) => ({
    x: budget, series: look.name, median: robust.value, q25: robust.low, q75: robust.high,
    bare: true }));

  function reading(network, norm) {
    const points = curveOf(network, norm).filter(({ robust }) => format.known(robust?.value));
    const clean = points[0]?.robust.value;
    if (!(clean > 0)) return "";
    const half = points.find(({ robust }) => robust.value <= clean / 2);
    if (!half) return "";
    return `Within ε = ${format.number(half.budget)} half of the images that are answered right ` +
           `have an adversarial example (${format.plural(points[0].robust.samples, "image")}).`;
  }

  function panels(networks, norm) {
    const rows = networks.map((network) => rowsOf(network, norm));
    const last = Math.max(...rows.flat().map((row) => row.x));
    return networks.map((network, index) => ({
      title: `${network.title}, ${format.norm(norm)}`,
      chart: last > 0
        ? specs.lines({ rows: rows[index], series: [look],
                        x: charts.plainAxis(`budget ε in ${format.norm(norm)} (pixel)`, [0, last]),
                        y: charts.percentAxis("robust accuracy") })
        : null,
      reading: reading(network, norm),
      missing: "The results hold no such numbers for this network.",
    }));
  }

  // Null if no distances were measured.
  function section({ networks }) {
    const measured = networks.filter((network) => network.robustness?.length > 0);
    if (measured.length === 0) return null;
    return frame.section("robustness", "Robustness over budgets", charts.figure({
      name: "robustness-curve",
      title: "How far is the nearest adversarial example?",
      caption: "Share of the images that are answered right and have no known adversarial example " +
        "within the budget, by the nearest one that the nearest-class attack finds. Band: 95% " +
        "interval.",
      rows: norms.map((norm) => panels(measured, norm)),
    }));
  }

  return { section };
})();
