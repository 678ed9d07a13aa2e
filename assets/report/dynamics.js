// Claim 1: the analytic solution of a multi-step attack, how far it agrees with the attack, and how
// the perturbation turns to the top eigenvectors of the input Hessian.
"use strict";

(() => {
  const { looks } = charts;
  const { row, valuesOf } = chapter;

  // ----- rows for the charts -----

  const sweepOf = (network) => network.dynamics?.sweep ?? [];

  // One row per share of the fooling strengths and solution; `read(entry, key)` gives the quantiles.
  const sweepRows = (network, keys, read) =>
    sweepOf(network).flatMap((entry) =>
      keys.map((key) => row(entry.relative, looks[key], read(entry, key))));

  // A sentence with the medians at the fooling strengths: "quadratic 12%, ...".
  function readingWhereFooled(network, values) {
    const entry = sweepOf(network).at(-1);
    if (!entry) return "";
    const parts = values(entry).map(([name, text]) => `${name} ${text}`);
    return `At the fooling strengths: ${parts.join(", ")}.`;
  }

  function overflowRemark(network) {
    const most = Math.max(0, ...sweepOf(network).map((entry) => entry.outside_range ?? 0));
    return most > 0
      ? ` Up to ${format.percent(most)} of the images are left out of the quadratic numbers, ` +
        "because their solution overflows."
      : "";
  }

  const sweepPanels = (networks, options) => chapter.strengthPanels(networks, {
    ...options,
    across: "strength, relative to each image's own fooling one",
    ruleOf: () => ({ x: 1, label: "fooled" }),
  });

  // ----- figures -----

  const tops = [1, 2, 3];
  const solutions = ["quadratic", "region", "segments"];
  const solutionLooks = solutions.map((key) => looks[key]);
  // Four digits after the point, because cosines crowd below 1.
  const cosineText = (value) => (format.known(value) ? value.toFixed(4) : format.missing);
  const medians = (quantiles, one) =>
    solutions.map((key) => [looks[key].name, one(quantiles?.[key]?.median)]);

  function errorAxis(rows) {
    const domain = charts.logDomain(valuesOf(rows), [1e-6, 1e3]);
    return charts.logAxis("relative error (no unit)", domain);
  }

  function errorFigure(networks) {
    return charts.figure({
      name: "dynamics-error",
      title: "How far is each solution from the real attack?",
      caption: "Length of the difference between predicted and real perturbation, relative to " +
        "the real one; lower is better, and below the chart, at less than 10⁻⁶, the two can " +
        "hardly be told apart. Line: the median image. Band: the middle half of the images.",
      rows: [sweepPanels(networks, {
        series: solutionLooks,
        rowsOf: (network) => sweepRows(network, solutions, (entry, key) => entry.error?.[key]),
        axisOf: errorAxis,
        reading: (network) =>
          readingWhereFooled(network, (entry) => medians(entry.error, format.percent)) +
          overflowRemark(network),
      })],
    });
  }

  const gates = { name: "gates flipped", color: "#6b1d81", dash: [1, 0], shape: "circle" };
  const fooled = { name: "images fooled", color: "#b8860b", dash: [7, 3], shape: "square" };

  function flipsFigure(networks) {
    return charts.figure({
      name: "dynamics-flips",
      title: "When do gates flip, and when are images fooled?",
      caption: "The solutions above assume that gates stay as they are. Gates flipped: share of " +
        "all gates, median and middle half. Images fooled: share of those that some strength fools.",
      rows: [sweepPanels(networks, {
        series: [gates, fooled],
        rowsOf: (network) => sweepOf(network).flatMap((entry) => [
          row(entry.relative, gates, entry.gates_flipped),
          row(entry.relative, fooled, { median: entry.fooled }),
        ]),
        axisOf: () => charts.percentAxis("share (%)"),
        reading: (network) => readingWhereFooled(network, (entry) => [
          [gates.name, format.percent(entry.gates_flipped?.median)],
          [fooled.name, format.percent(entry.fooled)],
        ]),
      })],
    });
  }

  function cosineAxis(rows) {
    const least = Math.min(0.9, ...valuesOf(rows).filter(format.known));
    return charts.plainAxis("cosine (no unit)", [Math.floor(10 * least) / 10, 1]);
  }

  function cosineFigure(networks) {
    return charts.figure({
      name: "dynamics-cosine",
      title: "Does each solution point where the real attack goes?",
      caption: "Cosine of the angle between predicted and real perturbation: 1 is the same " +
        "direction, 0 a right angle. Line: the median image. Band: the middle half.",
      rows: [sweepPanels(networks, {
        series: solutionLooks,
        rowsOf: (network) => sweepRows(network, solutions, (entry, key) => entry.cosine?.[key]),
        axisOf: cosineAxis,
        reading: (network) =>
          readingWhereFooled(network, (entry) => medians(entry.cosine, cosineText)),
      })],
    });
  }

  function segmentsFigure(networks) {
    const look = looks.segments;
    const rows = networks.map(({ dynamics }) => (dynamics?.segments ?? []).map(
      (entry) => row(entry.segments, look, entry.error)));
    const x = charts.logAxis("segments of an image, mean",
      charts.logDomain(rows.flat().map((one) => one.x)));
    const y = errorAxis(rows.flat());
    const attack = ({ steps }) => `The attack itself takes ${steps} passes of either kind.`;
    return charts.figure({
      name: "dynamics-segments",
      title: "Does cutting the attack into segments close the gap?",
      caption: "Relative error of the re-linearised solution at the fooling strengths, for several " +
        "tolerances. Each image's segments are as long as the gradient that they predict at their " +
        "ends is the real one within the tolerance. They explain the attack and do not replace it: " +
        "the table below has what they cost. Line: the median image. Band: the middle half.",
      rows: [networks.map(({ title, dynamics }, index) => ({
        title,
        chart: specs.lines({ rows: rows[index], series: [look], x, y }),
        reading: dynamics ? attack(dynamics) : "",
        missing: "The results hold no segments for this network.",
      }))],
    });
  }

  function spectrumFigure(networks) {
    const rows = networks.map(({ dynamics }) => (dynamics?.spectrum ?? []).map(
      ({ index, eigenvalue }) => ({ x: index, ...eigenvalue })));
    const all = rows.flat();
    const values = all.flatMap(({ q05, median, q95 }) => [q05, median, q95]);
    const x = charts.indexAxis("index of the eigenvalue (1 is the largest)", all.map((one) => one.x));
    const y = charts.logAxis("eigenvalue (nat per pixel²)",
      charts.logDomain(values, [1e-12, Infinity]));
    return charts.figure({
      name: "dynamics-spectrum",
      title: "Do a few eigenvalues of the input Hessian stand out?",
      caption: "The eigenvalues of one image, largest first. Marker: the median image. Thick " +
        "bar: the middle half of the images. Thin bar: 5 to 95%.",
      rows: [networks.map(({ title }, index) => ({
        title,
        chart: specs.ranges({ rows: rows[index], x, y }),
        missing: "The results hold no spectrum for this network.",
      }))],
    });
  }

  function shareFigure(networks) {
    const keys = ["real", "region", "quadratic"];
    const panelsOf = (rank) => sweepPanels(networks, {
      series: keys.map((key) => looks[key]),
      rowsOf: (network) =>
        sweepRows(network, keys, (entry, key) => entry.top_share?.[key]?.[rank - 1]),
      axisOf: () => charts.percentAxis("share of ‖δ‖² (%)"),
      titleOf: (network) =>
        `${network.title}: ${rank === 1 ? "top eigenvector" : `top ${rank} eigenvectors`}`,
      height: 150,
    });
    return charts.figure({
      name: "dynamics-share",
      title: "How much of the perturbation lies along the top eigenvectors?",
      caption: "Share of the squared length of the perturbation in the span of the eigenvectors " +
        "with the one, two and three largest eigenvalues. The claim is that it rises with the " +
        "strength. Line: the median image. Band: the middle half.",
      rows: tops.map(panelsOf),
    });
  }

  function growthFigure(networks) {
    const series = charts.ranks.map((look, index) => ({ ...look, name: `λ${"₁₂₃₄₅"[index]}` }));
    const rows = networks.map((network) => sweepOf(network).flatMap(({ relative, growth }) =>
      (growth ?? []).slice(0, series.length).map(({ predicted, measured }, rank) => ({
        ...row(predicted?.median, series[rank], measured),
        detail: `${format.number(relative)} of the fooling strength`,
      }))));
    const axis = (title, values) => charts.logAxis(title, charts.logDomain(values, [1e-3, 1e6]));
    const x = axis("predicted growth factor (no unit)", rows.flat().map((one) => one.x));
    const y = axis("measured growth factor (no unit)", rows.flat().map((one) => one.median));
    return charts.figure({
      name: "dynamics-growth",
      title: "Do the components of the gradient grow as predicted?",
      caption: "Each marker is one strength of the attack and one of the five largest " +
        "eigenvalues: the factor by which the gradient's component along that eigenvector has grown, in the " +
        "median image. On the dashed line, prediction and attack agree. Bars: the middle half.",
      rows: [networks.map(({ title }, index) => ({
        title,
        chart: specs.agreement({ rows: rows[index], series, x, y }),
        missing: "The results hold no growth factors for this network.",
      }))],
    });
  }

  // ----- numbers -----

  const { quantiles: both, percent } = format;
  const shares = (value) => both(value, percent);
  const number = (title) => ({ title, number: true });

  function sweepTable(network) {
    const columns = ["relative strength", "β", "β·λ₁", "images fooled", "gates flipped", "‖δ‖₂",
                     "images that leave the box", "distance to the box over ‖δ‖₂",
                     ...solutions.map((key) => `error, ${looks[key].name}`),
                     ...solutions.map((key) => `cosine, ${looks[key].name}`),
                     ...tops.map((top) => `top ${top} share, real`),
                     "quadratic overflows"].map(number);
    return dom.table(`${network.title}: median (middle half) at every strength`, columns,
      sweepOf(network).map((entry) => [
        format.number(entry.relative), both(entry.beta), both(entry.beta_lambda),
        percent(entry.fooled), shares(entry.gates_flipped), both(entry.norm),
        percent(entry.leaves_box), both(entry.outside),
        ...solutions.map((key) => both(entry.error?.[key])),
        ...solutions.map((key) => both(entry.cosine?.[key], cosineText)),
        ...tops.map((top) => shares(entry.top_share?.real?.[top - 1])),
        percent(entry.outside_range),
      ]));
  }

  function spectrumTable({ title, dynamics }) {
    return dom.table(`${title}: eigenvalues of the input Hessian, median (middle half)`,
      ["index", "eigenvalue (nat per pixel²)"].map(number),
      dynamics.spectrum.map(({ index, eigenvalue }) => [format.count(index), both(eigenvalue)]));
  }

  function segmentsTable({ title, dynamics }) {
    return dom.table(`${title}: the solution in segments at the fooling strengths. Error: median ` +
        "(middle half); the others: mean of the images",
      ["tolerance", "error", "segments", "forward passes", "backward passes"].map(number),
      dynamics.segments.map((entry) =>
        [format.number(entry.tolerance), both(entry.error), format.number(entry.segments),
         format.number(entry.forward), format.number(entry.backward)]));
  }

  // The tables of those networks that have numbers for them.
  function numberTables(network) {
    const { dynamics } = network;
    return [
      sweepOf(network).length > 0 ? sweepTable(network) : null,
      dynamics?.spectrum?.length > 0 ? spectrumTable(network) : null,
      dynamics?.segments?.length > 0 ? segmentsTable(network) : null,
    ];
  }

  const keys = [
    ["samples, steps", "images used; steps of the attack"],
    ["right, fooled", "images that are answered right, and those that some strength fools"],
    ["spectrum[].eigenvalue", "eigenvalues of the input Hessian, largest first"],
    ["sweep[].relative, beta", "share of the images' fooling strengths; the strengths"],
    ["sweep[].beta_lambda", "strength times the largest eigenvalue"],
    ["sweep[].fooled, gates_flipped", "images fooled; gates flipped"],
    ["sweep[].norm, leaves_box, outside", "length of the perturbation; whether, and how far, it " +
      "leaves the pixels' range"],
    ["sweep[].error, cosine", "distance and angle between each solution and the real attack"],
    ["sweep[].outside_range", "images whose quadratic solution overflows, left out of its numbers"],
    ["sweep[].top_share", "share of the perturbation in the top 1, 2 and 3 eigenvectors"],
    ["sweep[].growth", "growth of the gradient's components, predicted and measured"],
    ["segments", "error, number and cost of segments at several tolerances"],
    ["examples", "the images above"],
  ];

  function draw(results) {
    const { networks } = results;
    return [
      dynamicsExplanation(),
      chapter.setUp(networks, "dynamics", ({ samples, steps, fooled: moved }) =>
        `${format.plural(samples, "image")}, of which ${format.count(moved)} can be fooled, ` +
        format.plural(steps, "step")),
      errorFigure(networks),
      flipsFigure(networks),
      cosineFigure(networks),
      segmentsFigure(networks),
      spectrumFigure(networks),
      shareFigure(networks),
      growthFigure(networks),
      dynamicsExamples.section({ networks, data: results.data }),
      chapter.numbers("dynamics", networks.flatMap(numberTables), keys),
    ].filter(Boolean);
  }

  chapters.push({ id: "dynamics", title: "The dynamics of the perturbation", draw });
})();
