// What the chapters share: rows for specs.js, panels over the strength of an attack, names, the
// line on what was measured, and the tables of numbers.
"use strict";

const chapter = (() => {
  const { element } = dom;

  const strengthTitle = "attack strength β = α·m (pixel² per nat)";

  // A row for specs.js; `look` is one of charts.looks or the like.
  const row = (x, look, quantiles) =>
    ({ x, series: look.name, median: quantiles?.median, q25: quantiles?.q25, q75: quantiles?.q75 });

  const valuesOf = (rows) => rows.flatMap(({ median, q25, q75 }) => [median, q25, q75]);

  // Panels of lines against the strength, with the same axes for all networks. `rowsOf(network)`
  // gives the rows, `axisOf(all rows)` the vertical axis, `ruleOf(network)` a strength to mark and
  // its label, and `reading(network)` a remark. `across` is the title of the horizontal axis.
  function strengthPanels(networks, options) {
    const { rowsOf, axisOf, ruleOf, series, reading, titleOf, height } = options;
    const rows = networks.map(rowsOf);
    const x = charts.logAxis(options.across ?? strengthTitle, charts.logDomain(rows.flat().map((one) => one.x)));
    const y = axisOf(rows.flat());
    return networks.map((network, index) => ({
      title: titleOf ? titleOf(network) : network.title,
      chart: specs.lines({
        rows: rows[index], series, x, y, height,
        rule: ruleOf(network),
      }),
      reading: reading?.(network),
      missing: "The results hold no such numbers for this network.",
    }));
  }

  // On what each network was measured, and which were not; `describe` puts one of them into words.
  function setUp(networks, key, describe) {
    const titles = networks.filter((network) => !network[key]).map(({ title }) => title);
    const lines = networks.filter((network) => network[key]).map((network) =>
      `${network.title}: ${describe(network[key])}`);
    return element("p", { class: "quiet" },
      lines.length > 0 ? `Measured on ${lines.join("; ")}. ` : "",
      titles.length > 0 ? `Not measured: ${format.list(titles)}.` : "");
  }

  // The tables, folded, with one on the keys of results.json: pairs of a key and what it holds.
  function numbers(key, tables, keys) {
    return dom.details("The numbers of this chapter", ...tables,
      dom.table(`Where all numbers are in results.json, below networks[].${key}`,
        ["Key", "Holds"], keys.map(([name, holds]) => [element("code", {}, name), holds])));
  }

  // "raw β = 0.1", "L2 ε = 0.5", in two words for lines to break between.
  // `attack` is the norm of its ball or, for an attack without one, its kind.
  const attackName = (attack, strength) => `${format.norm(attack)} ` +
    `${attack === "raw" ? "β" : "ε"}\u00a0=\u00a0${format.number(strength)}`;

  // From the number of a class to its name.
  const classNamer = (data) => (index) =>
    data?.class_names?.[index] ?? `class ${index ?? format.missing}`;

  return { attackName, row, valuesOf, strengthPanels, setUp, numbers, classNamer };
})();
