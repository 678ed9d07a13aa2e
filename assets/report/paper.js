// The paper, result by result: what each numbered result states, how it is measured, and what came
// out on each network, with a chart.
"use strict";

const paper = (() => {
  const { element } = dom;

  const resultsOf = (network) => network.paper?.results ?? [];
  const resultOf = (network, name) => resultsOf(network).find((result) => result.name === name);

  const seriesNames = (charted) =>
    [...new Set(charted.flatMap(({ chart }) => chart.series.map(({ name }) => name)))];

  // The rows of specs.js; those of an agreement are points alone.
  const rowsOf = (chart, looks) => chart.series.flatMap(({ name, points }) => points.map((point) => {
    const look = looks.find((one) => one.name === name);
    return chart.kind === "agreement"
      ? { x: point.x, series: look.name, median: point.median }
      : chapter.row(point.x, look, point);
  }));

  function plainDomain(values) {
    const shown = values.filter(format.known);
    if (shown.length === 0) return null;
    const [low, high] = [Math.min(...shown), Math.max(...shown)];
    const air = 0.04 * (high - low || Math.abs(high) || 1);
    return [low - air, high + air];
  }

  function axis(title, log, values) {
    if (log) return charts.logAxis(title, charts.logDomain(values, [1e-8, 1e8]));
    const domain = plainDomain(values);
    return domain && charts.plainAxis(title, domain);
  }

  // Measured over predicted numbers of either sign, a few of which are far from the others: the
  // axes show nineteen of twenty.
  function central(values) {
    const sorted = values.filter(format.known).sort((a, b) => a - b);
    const cut = Math.floor(0.025 * sorted.length);
    return sorted.slice(cut, sorted.length - cut);
  }

  function chartOf(chart, looks) {
    const rows = rowsOf(chart, looks);
    const series = looks.filter(({ name }) => chart.series.some((one) => one.name === name));
    const across = rows.map(({ x }) => x);
    if (chart.kind === "lines") {
      return specs.lines({ rows, series, x: axis(chart.x, chart.log_x, across),
                           y: axis(chart.y, chart.log_y, chapter.valuesOf(rows)) });
    }
    return specs.agreement({
      rows, series, x: axis(chart.x, chart.log_x, central(across)),
      y: axis(chart.y, chart.log_y, central(rows.map(({ median }) => median))),
      marks: { size: 26, opacity: 0.7 },
    });
  }

  function figure(networks, { name, number, title }) {
    const found = networks.map((network) => resultOf(network, name));
    const charted = found.filter((result) => result?.chart);
    if (charted.length === 0) return null;
    const looks = charts.ordered(seriesNames(charted));
    const caption = charted[0].chart.kind === "lines"
      ? "Line: the median image. Band: the middle half of the images."
      : "A point for each image; on the dashed line both are the same.";
    return charts.figure({
      name: `paper-${name}`,
      title: `${number} in a picture`,
      caption,
      rows: [networks.map((network, index) => ({
        title: network.title,
        chart: found[index]?.chart ? chartOf(found[index].chart, looks) : null,
        missing: `${title}: not tested on this network.`,
      }))],
    });
  }

  function outcome(network, name) {
    const result = resultOf(network, name);
    if (!result) return null;
    return element("div", { class: "outcome" },
      element("h4", {}, network.title),
      verdicts.badge(result.verdict),
      result.certain === false
        ? element("p", { class: "quiet" }, "Within the uncertainty: another seed may decide " +
            "otherwise.")
        : null,
      result.checks?.length > 0
        ? findings.checksTable(result.checks)
        : element("p", {}, result.summary));
  }

  function card(networks, statement) {
    const { name, number, title, statistic, exact, later } = statement;
    return element("article", { class: "finding", id: `paper-result-${name}` },
      element("h3", {}, `${number}: ${title}`),
      dom.definitions([["The paper", statement.statement], ["Measured by", statistic],
                       ["Here", exact],
                       ...(later ? [["The later version claims", later]] : [])]),
      ...networks.map((network) => outcome(network, name)),
      figure(networks, statement));
  }

  function overview(networks, statements) {
    return dom.table("All of them", ["Result", "States", ...networks.map(({ title }) => title)],
      statements.map(({ name, number, title }) => [
        element("a", { href: `#paper-result-${name}` }, number), title,
        ...networks.map((network) => resultOf(network, name)?.verdict ?? format.missing),
      ]));
  }

  // Null if no network was asked.
  function section({ networks }) {
    const asked = networks.filter((network) => resultsOf(network).length > 0);
    if (asked.length === 0) return null;
    const statements = resultsOf(asked[0]);
    const counts = asked.map(({ title, paper: { samples, steps } }) =>
      `${title}: ${format.plural(samples, "image")}, ${format.plural(steps, "step")}`);
    return frame.section("paper", "The paper, result by result",
      element("p", {}, "Every numbered result of Cheng et al., “Why Adversarial Training of ReLU " +
        "Networks Is Difficult?” (2022), with the paper's own measure where it has one, a " +
        "threshold that was fixed before the run, and what came out. Images are attacked without " +
        "bounds, at shares of the smallest strength that fools each."),
      element("p", { class: "quiet" }, `${counts.join("; ")}.`),
      overview(asked, statements), ...statements.map((statement) => card(asked, statement)));
  }

  return { section };
})();
