// Claim 2, image by image: predicted against measured boost, and boost against beta kappa.
"use strict";

const influenceClouds = (() => {
  const { looks } = charts;
  const { percent } = format;
  const missing = "The results hold no such numbers for this network.";

  const cloudsOf = ({ influence }) => influence.clouds ?? [];

  const predictions = ["quadratic", "region"];
  const cloudMarks = { size: 20, opacity: 0.5 };
  const close = 0.2;

  // Share of the images whose predicted boost is close to the measured one.
  function closeness(points, key) {
    const near = points.filter(({ measured, [key]: predicted }) =>
      format.known(predicted) && Math.abs(predicted / measured - 1) <= close);
    return percent(near.length / points.length);
  }

  function cloudReading(cloud) {
    if (!cloud || cloud.points.length === 0) return "";
    const [quadratic, region] = predictions.map((key) => closeness(cloud.points, key));
    return `At ${format.strength(cloud.beta)}, prediction and measurement differ by at most ` +
           `${percent(close)} for ${region} of the images (region-exact) and for ${quadratic} ` +
           "(quadratic).";
  }

  const cloudRows = (cloud) =>
    predictions.flatMap((key) => (cloud?.points ?? []).map((point) => ({
      x: point[key], series: looks[key].name, median: point.measured,
    })));

  // The clouds with the same place in their lists, on the same axes.
  function cloudPanels(networks, place, word) {
    const clouds = networks.map((network) => cloudsOf(network)[place]);
    // Quadratic boosts may be astronomic.
    const values = clouds.flatMap((cloud) =>
      (cloud?.points ?? []).flatMap(({ measured, region }) => [measured, region]));
    const domain = charts.logDomain(values, [1e-4, 1e9]);
    const x = charts.logAxis("predicted boost (no unit)", domain);
    const y = charts.logAxis("measured boost (no unit)", domain);
    return networks.map(({ title }, index) => ({
      title: `${title}: ${word} attack`,
      chart: specs.agreement({ rows: cloudRows(clouds[index]), x, y, marks: cloudMarks,
                               series: predictions.map((key) => looks[key]) }),
      reading: cloudReading(clouds[index]),
      missing,
    }));
  }

  function cloudFigure(networks) {
    return charts.figure({
      name: "influence-cloud",
      title: "Does the theory know which images gain influence?",
      caption: "Each marker is one image: the factor by which the raw attack boosts its pull " +
        "on the weights. On the dashed line, prediction and measurement agree.",
      rows: [cloudPanels(networks, 0, "weak"), cloudPanels(networks, 1, "strong")],
    });
  }

  // ----- boost against kappa -----

  const kappaSeries = [{ name: "weak attack", color: "#8a63b5", shape: "square" },
                       { name: "strong attack", color: "#1f1147", shape: "circle" }];

  const kappaRows = (network) =>
    cloudsOf(network).flatMap(({ beta, points }, place) => points.map(({ kappa, measured }) => ({
      x: beta * kappa, series: kappaSeries[place]?.name, median: measured,
    })));

  // Up to where the exponential leaves the chart, closely spaced.
  function exponential([low, high], top) {
    const end = Math.max(low, Math.min(high, Math.log(top)));
    const steps = 80;
    return Array.from({ length: steps + 1 }, (_, step) => low * (end / low) ** (step / steps))
      .map((at) => ({ at, expected: Math.exp(at) }));
  }

  // The slopes at the strengths of the two clouds.
  function slopeReading(network) {
    const parts = cloudsOf(network).map(({ beta }) => {
      const entry = (network.influence.strengths ?? []).find(({ kind, strength }) =>
        kind === "raw" && Math.abs(strength / beta - 1) < 1e-6);
      return entry?.slope && `by ${format.interval(entry.slope)} at ${format.strength(beta)}`;
    });
    const known = parts.filter(Boolean);
    return known.length > 0
      ? `Per unit of βκ, the logarithm of the boost grows ${format.list(known)}; the ` +
        "exponential says by 1."
      : "";
  }

  function kappaFigure(networks) {
    const rows = networks.map(kappaRows);
    const all = rows.flat();
    const domain = charts.logDomain(all.map((one) => one.x), [1e-4, 1e4]);
    const range = charts.logDomain(all.map((one) => one.median), [1e-2, 1e9]);
    const x = charts.logAxis("βκ (no unit)", domain);
    const y = charts.logAxis("measured boost (no unit)", range);
    return charts.figure({
      name: "influence-kappa",
      title: "Is the boost exponential in βκ?",
      caption: "Each marker is one image under the raw attack, at two strengths. βκ is strength " +
        "times unconfidence times squared gradient; dashed is its exponential. The boost cannot " +
        "follow it for ever, because the softmax saturates once an image is fooled.",
      rows: [networks.map((network, index) => ({
        title: network.title,
        chart: specs.agreement({ rows: rows[index], series: kappaSeries, x, y, marks: cloudMarks,
                                 curve: domain && range && exponential(domain, range[1]) }),
        reading: slopeReading(network),
        missing,
      }))],
    });
  }

  const figures = (networks) => [cloudFigure(networks), kappaFigure(networks)];

  return { figures };
})();
