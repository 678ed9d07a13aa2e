// Claim 1: the analytic solution of a multi-step attack, how far it agrees with the attack, and how
// the perturbation turns to the top eigenvectors of the input Hessian.
"use strict";

(() => {
  const { looks } = charts;
  const { row, valuesOf } = chapter;

  // ----- rows for the charts -----

  const sweepOf = (network) => network.dynamics?.sweep ?? [];

  // One row per strength and solution; `read(entry, key)` gives the quantiles.
  const sweepRows = (network, keys, read) =>
    sweepOf(network).flatMap((entry) =>
      keys.map((key) => row(entry.beta, looks[key], read(entry, key))));

  // The entry of the sweep that is nearest to the strength at which half of the images are fooled.
  function entryAtHalf(network) {
    const half = network.dynamics?.fooled_half_beta;
    if (!format.known(half)) return null;
    const distance = ({ beta }) => Math.abs(Math.log(beta / half));
    return sweepOf(network).reduce(
      (best, entry) => (!best || distance(entry) < distance(best) ? entry : best), null);
  }

  // A sentence with the medians at that strength: "At β = 0.2, ...: quadratic 12%, ...".
  function readingAtHalf(network, values) {
    const entry = entryAtHalf(network);
    if (!entry) return "";
    const parts = values(entry).map(([name, text]) => `${name} ${text}`);
    return `At ${format.strength(entry.beta)}, nearest to where half of the images are fooled: ` +
           `${parts.join(", ")}.`;
  }

  function overflowRemark(network) {
    const most = Math.max(0, ...sweepOf(network).map((entry) => entry.outside_range ?? 0));
    return most > 0
      ? ` Up to ${format.percent(most)} of the images are left out of the quadratic numbers, ` +
        "because their solution overflows."
      : "";
  }

  const sweepPanels = (networks, options) => chapter.strengthPanels(networks,
    { ...options, halfOf: ({ dynamics }) => dynamics?.fooled_half_beta });

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
          readingAtHalf(network, (entry) => medians(entry.error, format.percent)) +
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
        "all gates, median and middle half. Images fooled: share of those that were right.",
      rows: [sweepPanels(networks, {
        series: [gates, fooled],
        rowsOf: (network) => sweepOf(network).flatMap((entry) => [
          row(entry.beta, gates, entry.gates_flipped),
          row(entry.beta, fooled, { median: entry.fooled }),
        ]),
        axisOf: () => charts.percentAxis("share (%)"),
        reading: (network) => readingAtHalf(network, (entry) => [
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
          readingAtHalf(network, (entry) => medians(entry.cosine, cosineText)),
      })],
    });
  }

  function segmentsFigure(networks) {
    const schemes = {
      tangent: { name: "tangents", color: "#7a4a00", dash: [2, 3], shape: "triangle-up" },
      chord: { ...looks.segments, name: "chords" },
    };
    const rowsOf = (entry) =>
      Object.entries(schemes).map(([key, look]) => row(entry.segments, look, entry[key]));
    const rows = networks.map(({ dynamics }) => (dynamics?.segments?.errors ?? []).flatMap(rowsOf));
    const counts = [...new Set(rows.flat().map(({ x }) => x))];
    const x = charts.logAxis("number of segments", charts.logDomain(counts), counts);
    const y = errorAxis(rows.flat());
    return charts.figure({
      name: "dynamics-segments",
      title: "Does cutting the attack into segments close the gap?",
      caption: "Relative error of the re-linearised solution at the strength that fools half of " +
        "the images. Tangents: the network is linearised where each segment starts. Chords: between " +
        "its start and its predicted end. Line: the median image. Band: the middle half.",
      rows: [networks.map(({ title, dynamics }, index) => ({
        title,
        chart: specs.lines({ rows: rows[index], series: Object.values(schemes), x, y }),
        reading: `At ${format.strength(dynamics?.segments?.beta)}.`,
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
    const rows = networks.map((network) => sweepOf(network).flatMap(({ beta, growth }) =>
      (growth ?? []).slice(0, series.length).map(({ predicted, measured }, rank) => ({
        ...row(predicted?.median, series[rank], measured),
        detail: format.strength(beta),
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
    const columns = ["β", "β·λ₁", "images fooled", "gates flipped", "‖δ‖₂",
                     ...solutions.map((key) => `error, ${looks[key].name}`),
                     ...solutions.map((key) => `cosine, ${looks[key].name}`),
                     ...tops.map((top) => `top ${top} share, real`),
                     "quadratic overflows"].map(number);
    return dom.table(`${network.title}: median (middle half) at every strength`, columns,
      sweepOf(network).map((entry) => [
        format.number(entry.beta), both(entry.beta_lambda), percent(entry.fooled),
        shares(entry.gates_flipped), both(entry.norm),
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
    const strength = format.strength(dynamics.segments.beta);
    return dom.table(`${title}: error in segments at ${strength}, median (middle half)`,
      ["segments", "tangents", "chords"].map(number),
      dynamics.segments.errors.map((entry) =>
        [format.count(entry.segments), both(entry.tangent), both(entry.chord)]));
  }

  // The tables of those networks that have numbers for them.
  function numberTables(network) {
    const { dynamics } = network;
    return [
      sweepOf(network).length > 0 ? sweepTable(network) : null,
      dynamics?.spectrum?.length > 0 ? spectrumTable(network) : null,
      dynamics?.segments?.errors?.length > 0 ? segmentsTable(network) : null,
    ];
  }

  const keys = [
    ["samples, steps", "images used; steps of the attack"],
    ["fooled_half_beta", "strength at which half of the images that were right are fooled"],
    ["spectrum[].eigenvalue", "eigenvalues of the input Hessian, largest first"],
    ["sweep[].beta, beta_lambda", "strength; strength times the largest eigenvalue"],
    ["sweep[].fooled, gates_flipped", "images fooled; gates flipped"],
    ["sweep[].norm", "length of the perturbation"],
    ["sweep[].error, cosine", "distance and angle between each solution and the real attack"],
    ["sweep[].outside_range", "images whose quadratic solution overflows, left out of its numbers"],
    ["sweep[].top_share", "share of the perturbation in the top 1, 2 and 3 eigenvectors"],
    ["sweep[].growth", "growth of the gradient's components, predicted and measured"],
    ["segments.errors", "error against the number of segments"],
    ["examples", "the images above"],
  ];

  function draw(results) {
    const { networks } = results;
    return [
      dynamicsExplanation(),
      chapter.setUp(networks, "dynamics", ({ samples, steps }) =>
        `${format.plural(samples, "image")}, ${format.plural(steps, "step")}`),
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
