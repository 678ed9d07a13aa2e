// The spectral density of the Hessian in claim 3, smoothed on an axis that is logarithmic on both
// sides of zero.
"use strict";

const curvatureDensity = (() => {
  const decades = 4;
  const width = 0.06;

  // Where a value lies: linear close to zero, a step of one for each power of ten far from it.
  // Values below `unit` can hardly be told from zero.
  const placed = (value, unit) => Math.asinh(value / (2 * unit)) / Math.LN10;

  // The power of ten that lies `decades` below the largest node.
  function unitOf(networks) {
    const sizes = networks.flatMap(({ curvature }) => curvature.density?.nodes ?? []).map(Math.abs);
    const largest = Math.max(...sizes);
    return largest > 0 ? 10 ** (Math.ceil(Math.log10(largest)) - decades) : null;
  }

  // The share of the eigenvalues around each place: weights under a Gaussian of height one.
  function smoothed({ nodes, weights }, unit, [low, high]) {
    const steps = 400;
    return Array.from({ length: steps + 1 }, (_, step) => {
      const place = low + ((high - low) * step) / steps;
      const share = nodes.reduce((sum, node, index) => {
        const distance = (place - placed(node, unit)) / width;
        return sum + weights[index] * Math.exp(-0.5 * distance ** 2);
      }, 0);
      return { place, share };
    });
  }

  // Zero and the powers of ten on both sides, as far as they lie in the domain.
  function ticks(unit, [low, high]) {
    const powers = Array.from({ length: decades }, (_, power) => unit * 10 ** (power + 1));
    const tick = (value, sign, text) => ({
      place: sign * placed(value, unit),
      text: `${text}10${format.superscript(Math.round(Math.log10(value)))}`,
    });
    const all = [...powers.map((value) => tick(value, -1, "−")), { place: 0, text: "0" },
                 ...powers.map((value) => tick(value, 1, ""))];
    return all.filter(({ place }) => place >= low && place <= high);
  }

  function signedLogAxis(title, unit, domain) {
    const shown = ticks(unit, domain);
    const values = shown.map(({ place }) => place);
    const labels = JSON.stringify(shown.map(({ text }) => text));
    return { title, scale: { domain, nice: false, zero: false },
             axis: { values, labelOverlap: "greedy",
                     labelExpr: `${labels}[indexof(${JSON.stringify(values)}, datum.value)]` } };
  }

  // Height of the curve's foot: an eigenvalue of its own still shows.
  const leastOf = (network) => 0.3 / Math.max(10, network.parameters ?? 1e6);

  function chart(network, unit, domain, least) {
    const { density } = network.curvature;
    if (!density || density.nodes.length === 0 || !unit) return null;
    const rows = smoothed(density, unit, domain).map(({ place, share }) =>
      ({ place, share: Math.max(share, least / 2), foot: least / 2 }));
    const x = { field: "place", type: "quantitative",
                ...signedLogAxis("eigenvalue of the Hessian", unit, domain) };
    const y = { field: "share", type: "quantitative",
                ...charts.logAxis("share of the eigenvalues", [least, 1.3]) };
    return { note: null, spec: { height: 240, layer: [
      { data: { values: rows },
        mark: { type: "area", color: "#10569c", opacity: 0.35, clip: true },
        encoding: { x, y, y2: { field: "foot" } } },
      { data: { values: rows },
        mark: { type: "line", color: "#10569c", strokeWidth: 1.5, clip: true },
        encoding: { x, y } },
    ] } };
  }

  function reading({ curvature, parameters }) {
    const { density } = curvature;
    if (!density || density.nodes.length === 0) return "";
    const largest = Math.max(...density.nodes);
    // The weights estimate how many eigenvalues there are.
    const share = (test) => density.weights.reduce(
      (sum, weight, index) => (test(density.nodes[index]) ? sum + weight : sum), 0);
    const many = (test) => format.number(Math.round(parameters * share(test)));
    const steep = 0.01 * largest;
    return `The largest eigenvalue is ${format.number(largest)}. About ` +
           `${many((node) => node > steep)} of ${format.count(parameters)} are larger than a ` +
           `hundredth of it, and about ${many((node) => node < -steep)} lie as far below zero.`;
  }

  return (networks) => {
    const unit = unitOf(networks);
    const places = networks.flatMap(({ curvature }) => curvature.density?.nodes ?? [])
      .map((node) => placed(node, unit));
    const domain = [Math.min(0, ...places) - 4 * width, Math.max(0, ...places) + 4 * width];
    const least = Math.min(...networks.map(leastOf));
    return charts.figure({
      name: "curvature-density",
      title: "Are most directions flat?",
      caption: "Spectral density of the Hessian without attack, by a Lanczos quadrature whose " +
        "weights are smoothed. Both axes are logarithmic, the lower one on both sides of zero. A " +
        "single eigenvalue makes a bump at the foot of the chart.",
      rows: [networks.map((network) => ({
        title: network.title,
        chart: chart(network, unit, domain, least),
        reading: reading(network),
        missing: "The results hold no spectral density for this network.",
      }))],
    });
  };
})();
