// Claim 3: the curvature that adversarial training feels, the learning rate at which it oscillates,
// and the images that carry it.
"use strict";

(() => {
  const { number, percent, count, list, known } = format;

  // "vanilla", "L2 ε = 0.5".
  const nameOf = ({ kind, norm, epsilon }) =>
    (kind === "adversarial" ? chapter.attackName(norm, epsilon) : kind);

  const conditionsOf = ({ curvature }) => curvature.conditions ?? [];
  const ratesOf = ({ curvature }) => curvature.rates ?? [];
  const namesOf = (entries) => entries.map(nameOf);
  const missing = "The results hold no such numbers for this network.";

  const looks = {
    hessian: { name: "Hessian", color: "#1d2530", shape: "diamond" },
    gauss_newton: { name: "Gauss-Newton", color: "#b5367a", shape: "square" },
    effective: { name: "effective", color: "#10569c", shape: "circle" },
  };

  // The curvature that training under this condition feels.
  const felt = ({ effective, hessian }) => effective ?? hessian;
  const topOf = (spectrum) => spectrum?.eigenvalues?.[0];

  // The attack with the largest budget.
  const strongestOf = (entries) =>
    entries.filter(({ kind }) => kind === "adversarial")
      .reduce((most, entry) => (!most || entry.epsilon > most.epsilon ? entry : most), null);

  const vanillaOf = (entries) => entries.find(({ kind }) => kind === "vanilla");

  // Cross-entropy is in nats; squared error has no unit.
  const unitOf = (networks) =>
    (networks.every(({ curvature }) => (curvature.loss ?? "cross-entropy") === "cross-entropy") ? " (nat)" : "");

  // ----- eigenvalues -----

  const eigenvalueRows = (condition) => Object.entries(looks).flatMap(([key, { name }]) =>
    (condition[key]?.eigenvalues ?? []).map((eigenvalue, index) =>
      ({ category: nameOf(condition), series: name, median: eigenvalue, minor: index > 0 })));

  function eigenvalueReading(network) {
    const vanilla = vanillaOf(conditionsOf(network));
    const strongest = strongestOf(conditionsOf(network));
    const before = topOf(vanilla?.hessian);
    const after = strongest && topOf(felt(strongest));
    if (!known(before) || !known(after)) return "";
    const factor = before > 0 ? `, ${number(after / before)} times as large` : "";
    return `The largest eigenvalue is ${number(before)} in ${nameOf(vanilla)} training and ` +
           `${number(after)} (${strongest.effective ? "effective" : "Hessian"}) at ` +
           `${nameOf(strongest)}${factor}. The Hessian alone there has ` +
           `${number(topOf(strongest.hessian))}.`;
  }

  function eigenvalueFigure(networks) {
    const rows = networks.map((network) => conditionsOf(network).flatMap(eigenvalueRows));
    const x = charts.logAxis(`eigenvalue${unitOf(networks)}`,
      charts.logDomain(rows.flat().map(({ median }) => median)));
    return charts.figure({
      name: "curvature-eigenvalues",
      title: "How much sharper is the valley that adversarial training walks in?",
      caption: "Large marker: the largest eigenvalue of each curvature of the mean loss, at the " +
        "images that training sees. Small markers: the next ones. Without an attack, there is no " +
        "effective curvature besides the Hessian.",
      rows: [networks.map((network, index) => ({
        title: network.title,
        chart: specs.dots({ rows: rows[index], x, names: namesOf(conditionsOf(network)),
                            series: Object.values(looks), apart: true }),
        reading: eigenvalueReading(network),
        missing,
      }))],
    });
  }

  // ----- critical learning rates -----

  const rateLooks = {
    hessian: { name: "by the Hessian alone", color: "#c2500a", shape: "triangle-up" },
    predicted: { name: "by the effective curvature", color: "#7fb0e3", shape: "circle" },
    measured: { name: "measured", color: "#1d2530", shape: "diamond" },
  };
  const margins = [{ share: 0.1, width: 13, opacity: 0.45 },
                   { share: 0.15, width: 13, opacity: 0.3 }];

  const rateRows = (rate) => Object.entries(rateLooks).map(([key, { name }]) =>
    ({ category: nameOf(rate), series: name, median: rate[key] }));

  const rateBars = (rate) => (known(rate.predicted)
    ? margins.map(({ share, width, opacity }) => ({
        category: nameOf(rate), series: rateLooks.predicted.name, width, opacity,
        low: rate.predicted * (1 - share), high: rate.predicted * (1 + share) }))
    : []);

  function rateReading(network) {
    const rates = ratesOf(network);
    const off = rates.map(({ ratio }) => ratio).filter(known).map((ratio) => Math.abs(ratio - 1));
    if (off.length === 0) return "";
    const vanilla = vanillaOf(rates)?.measured;
    const strongest = strongestOf(rates.filter(({ measured }) => known(measured)));
    const fall = known(vanilla) && strongest
      ? ` From ${nameOf(vanillaOf(rates))} to ${nameOf(strongest)}, the measured rate goes from ` +
        `${number(vanilla)} to ${number(strongest.measured)}.`
      : "";
    return `Where a rate was measured, it is at most ${percent(Math.max(...off))} off the ` +
           `prediction from the effective curvature.${fall}`;
  }

  function rateTable({ title, curvature }) {
    const columns = ["condition", ...["steps before", "width of the swings", "momentum",
      "predicted, Hessian alone", "predicted, effective", "measured", "measured / predicted", "largest eigenvalue, by differences",
      "most negative one", "secant, 1/1000 away"]
      .map((name) => ({ title: name, number: true }))];
    return dom.table(`${title}: critical learning rates`, columns, curvature.rates.map((rate) => [
      nameOf(rate), count(rate.settled), number(rate.width), number(rate.momentum),
      number(rate.hessian), number(rate.predicted), number(rate.measured), number(rate.ratio),
      number(rate.by_differences?.largest), number(rate.by_differences?.smallest),
      number(rate.by_differences?.secant)]));
  }

  function rateFigure(networks) {
    const rows = networks.map((network) => ratesOf(network).flatMap(rateRows));
    const bars = networks.map((network) => ratesOf(network).flatMap(rateBars));
    const values = [...rows.flat().map(({ median }) => median),
                    ...bars.flat().flatMap(({ low, high }) => [low, high])];
    const x = charts.logAxis("learning rate (no unit)", charts.logDomain(values));
    return charts.figure({
      name: "curvature-rates",
      title: "At which learning rate does training start to oscillate?",
      caption: "Measured: by full-batch trainings with different learning rates, from the same " +
        "weights. Predicted: from the largest eigenvalue there; in L∞, whose gradient jumps, for " +
        "swings of a thousandth of the weights' length, from the largest secant curvature. Dark " +
        "and light bars: within 10% and 15% of that prediction.",
      rows: [networks.map((network, index) => ({
        title: network.title,
        chart: specs.dots({ rows: rows[index], bars: bars[index], x,
                            names: namesOf(ratesOf(network)), series: Object.values(rateLooks) }),
        reading: rateReading(network),
        missing,
      }))],
    });
  }

  // ----- images that carry an eigenvalue -----

  const stops = [1, 2, 5, 10, 20, 50];

  // Partial sums of the shares: one row per number of images.
  function carrierRows(condition) {
    let held = 0;
    return (condition.carriers?.[0]?.shares ?? []).map((share, index) => {
      held += share;
      return { x: index + 1, series: nameOf(condition), median: held,
               bare: !stops.includes(index + 1) };
    });
  }

  // "Half of it is held by 74 of 500 images (vanilla), 6 (L2 ε = 0.25) and 3 (L2 ε = 0.5)."
  function halvesText({ curvature }) {
    const halves = (curvature.conditions ?? [])
      .filter(({ carriers }) => known(carriers?.[0]?.half))
      .map((condition, index) => count(condition.carriers[0].half) +
        (index === 0 ? ` of ${format.plural(curvature.samples, "image")}` : "") +
        ` (${nameOf(condition)})`);
    return halves.length > 0 ? `Half of it is held by ${list(halves)}.` : "";
  }

  function overlapText(network) {
    const strongest = strongestOf(conditionsOf(network).filter(({ overlap }) => overlap));
    if (!strongest) return "";
    const { count: held, common, by_chance: chance } = strongest.overlap;
    return `At ${nameOf(strongest)}, ${count(common)} of the ${count(held)} are also among the ` +
           `${count(held)} most boosted images (claim 2); by chance, ${number(chance)} would be.`;
  }

  function carrierFigure(networks) {
    const rows = networks.map((network) => conditionsOf(network).flatMap(carrierRows));
    const all = rows.flat();
    const places = all.map((one) => one.x);
    const x = charts.logAxis("images, largest shares first",
      charts.logDomain(places), stops.filter((stop) => stop <= Math.max(1, ...places)));
    const most = Math.max(1, ...all.map(({ median }) => median).filter(known));
    const y = charts.percentAxis("share held (%)", [0, most]);
    y.axis.values = [0, 0.25, 0.5, 0.75, 1];
    return charts.figure({
      name: "curvature-carriers",
      title: "How few images carry the largest eigenvalue?",
      caption: "Share of the largest eigenvalue of the effective curvature (of the Hessian for " +
        "vanilla training) that the first so many images hold together. A curve that starts high " +
        "is carried by few.",
      rows: [networks.map((network, index) => ({
        title: network.title,
        chart: specs.lines({ rows: rows[index], x, y,
                             series: charts.ordered(namesOf(conditionsOf(network))) }),
        reading: `${halvesText(network)} ${overlapText(network)}`.trim(),
        missing,
      }))],
    });
  }

  function draw({ networks, data }) {
    const measured = networks.filter(({ curvature }) => curvature);
    const rated = measured.filter((network) => ratesOf(network).length > 0);
    return [
      curvatureExplanation(),
      chapter.setUp(networks, "curvature", ({ samples, data, loss }) =>
        format.plural(samples, "image") + (data ? ` of ${data}` : "") +
        (loss && loss !== "cross-entropy" ? `, under ${loss}` : "")),
      ...(measured.length > 0
        ? [eigenvalueFigure(measured), rateFigure(measured), ...rated.map(rateTable),
           carrierFigure(measured), curvatureImages.section(measured, data, nameOf),
           curvatureDensity(measured)]
        : []),
      curvatureNumbers(measured, nameOf),
    ];
  }

  chapters.push({ id: "curvature", title: "The curvature of training", draw });
})();
