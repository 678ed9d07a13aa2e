// Claim 2: how an attack boosts the influence of images on training, how far theory foresees it,
// and whether influence concentrates.
"use strict";

(() => {
  const { looks } = charts;
  const { row, valuesOf } = chapter;
  const { number, percent } = format;

  const predictions = ["quadratic", "region"];
  const strengthsOf = ({ influence }) => influence.strengths ?? [];
  const rawOf = (network) => strengthsOf(network).filter(({ kind }) => kind === "raw");
  const missing = "The results hold no such numbers for this network.";

  const groupOf = ({ kind, norm }) => norm ?? kind;
  const nameOf = (entry) => chapter.attackName(groupOf(entry), entry.strength);

  // The strongest of each kind of attack, which is the last one.
  const strongestOf = (network) =>
    [...new Map(strengthsOf(network).map((entry) => [groupOf(entry), entry])).values()];

  // ----- over strengths -----

  const boosts = { measured: looks.real, quadratic: looks.quadratic, region: looks.region };

  function boostReading(network) {
    const entry = rawOf(network).at(-1);
    if (!entry) return "";
    const [measured, quadratic, region] =
      Object.keys(boosts).map((key) => number(entry.boost?.[key]?.median));
    const left = entry.outside_range > 0
      ? ` ${percent(entry.outside_range)} of the images are left out of the quadratic number, ` +
        "because their solution overflows."
      : "";
    return `At ${format.strength(entry.strength)}, the strongest, the median image is boosted by ` +
           `a factor of ${measured}; predicted were ${region} (region-exact) and ${quadratic} ` +
           `(quadratic).${left}`;
  }

  function boostFigure(networks) {
    return charts.figure({
      name: "influence-boost",
      title: "How large does the boost become?",
      caption: "Boost by the raw attack. Line: the median image. Band: the middle half of the " +
        "images.",
      rows: [chapter.strengthPanels(networks, {
        series: Object.values(boosts),
        rowsOf: (network) => rawOf(network).flatMap(({ strength, boost }) =>
          Object.entries(boosts).map(([key, look]) => row(strength, look, boost?.[key]))),
        axisOf: (rows) =>
          charts.logAxis("boost (no unit)", charts.logDomain(valuesOf(rows), [1e-2, 1e6])),
        ruleOf: ({ influence }) => ({ x: influence.fooled_half_beta, label: "half fooled" }),
        reading: boostReading,
      })],
    });
  }

  function rankReading(network) {
    const parts = strongestOf(network).map((entry) =>
      `${nameOf(entry)}: region-exact ${number(entry.rank_correlation?.region)}, ` +
      `quadratic ${number(entry.rank_correlation?.quadratic)}`);
    return parts.length > 0 ? `At the strongest attack of each kind: ${parts.join("; ")}.` : "";
  }

  function rankFigure(networks) {
    const rows = networks.map((network) => strengthsOf(network).flatMap((entry) =>
      predictions.map((key) => ({ category: nameOf(entry), series: looks[key].name,
                                  median: entry.rank_correlation?.[key] }))));
    const least = Math.min(0, ...rows.flat().map((one) => one.median).filter(format.known));
    const x = charts.plainAxis("rank correlation (no unit)", [Math.floor(10 * least) / 10, 1]);
    return charts.figure({
      name: "influence-rank",
      title: "Does the theory put the images in the right order?",
      caption: "Spearman’s rank correlation of predicted and measured boost: 1 is the same " +
        "order, 0 no relation. From top to bottom: raw attacks from weak to strong, then attacks " +
        "within L2 and L∞ balls. There the quadratic boost takes its strength image by image from " +
        "the lengths of the steps; the region-exact one follows the steps themselves.",
      rows: [networks.map((network, index) => ({
        title: network.title,
        chart: specs.dots({ rows: rows[index], x, names: strengthsOf(network).map(nameOf),
                            series: predictions.map((key) => looks[key]) }),
        reading: rankReading(network),
        missing,
      }))],
    });
  }

  // ----- concentration -----

  const clean = { name: "clean", color: "#5a6675", shape: "diamond" };
  const regimes = {
    concentrates: { name: "attacked: concentrates", color: "#c2500a", shape: "triangle-left" },
    "evens out": { name: "attacked: evens out", color: "#10569c", shape: "triangle-right" },
    unchanged: { name: "attacked: unchanged", color: "#1d2530", shape: "square" },
  };

  const sharesOf = ({ concentration }) =>
    ["clean", "adversarial"].map((key) => concentration?.[key]?.effective_share);

  function concentrationRows(entry) {
    const [before, after] = sharesOf(entry);
    const category = nameOf(entry);
    return [{ category, series: clean.name, median: before },
            { category, series: regimes[entry.regime]?.name,
              median: regimes[entry.regime] && after }];
  }

  // From what the clean images have, the interval of the change.
  function changeBars(entry) {
    const [before] = sharesOf(entry);
    const look = regimes[entry.regime];
    if (!look || !format.known(before) || !entry.change) return [];
    return [{ category: nameOf(entry), series: look.name, width: 3, opacity: 0.5,
              low: before + entry.change.low, high: before + entry.change.high }];
  }

  function concentrationReading(network) {
    const parts = strongestOf(network).map((entry) => {
      const [before, after] = sharesOf(entry).map((share) => percent(share));
      return `${nameOf(entry)} from ${before} to ${after} (${entry.regime ?? format.missing})`;
    });
    return parts.length > 0
      ? `Effective share at the strongest attack of each kind: ${parts.join("; ")}.`
      : "";
  }

  function concentrationFigure(networks) {
    const rows = networks.map((network) => strengthsOf(network).flatMap(concentrationRows));
    const bars = networks.map((network) => strengthsOf(network).flatMap(changeBars));
    const most = [...rows.flat().map((one) => one.median), ...bars.flat().map((one) => one.high)];
    const top = Math.min(1, 1.08 * Math.max(0.05, ...most.filter(format.known)));
    const x = charts.percentAxis("effective share of the images (%)", [0, top]);
    return charts.figure({
      name: "influence-concentration",
      title: "Does influence concentrate on few images?",
      caption: "How many of the images share the pull on the weights, before and under attack: " +
        "left is few, right is many. Bars: 95% bootstrap interval of the change. It concentrates " +
        "or evens out where that interval leaves out zero.",
      rows: [networks.map((network, index) => ({
        title: network.title,
        chart: specs.dots({ rows: rows[index], bars: bars[index], x,
                            names: strengthsOf(network).map(nameOf),
                            series: [clean, ...Object.values(regimes)] }),
        reading: concentrationReading(network),
        missing,
      }))],
    });
  }

  function draw({ networks, data }) {
    const measured = networks.filter(({ influence }) => influence);
    return [
      influenceExplanation(),
      chapter.setUp(networks, "influence", ({ samples, steps }) =>
        `${format.plural(samples, "image")}, ${format.plural(steps, "step")} of the raw attack`),
      ...(measured.length > 0
        ? [...influenceClouds.figures(measured), boostFigure(measured), rankFigure(measured),
           concentrationFigure(measured), influenceImages.section(measured, data)]
        : []),
      influenceNumbers(measured, nameOf),
    ];
  }

  chapters.push({ id: "influence", title: "The influence of images", draw });
})();
