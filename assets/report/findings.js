// Claim 4: earlier findings, each with what the theory predicts, what came out, and how far that
// lies from its threshold.
"use strict";

const findings = (() => {
  const { element, svg } = dom;

  // The value with its interval, beside the threshold: an interval on the shaded side passes.
  function strip({ value, low, high, relation, threshold }) {
    if (!format.known(value)) return format.missing;
    const ends = [value, low, high, threshold].filter(format.known);
    const [least, most] = [Math.min(...ends), Math.max(...ends)];
    const air = (most - least || Math.abs(most) || 1) * 0.12;
    const at = (number) => `${(100 * (number - least + air)) / (most - least + 2 * air)}%`;
    const wanted = relation === "<="
      ? { x: 0, width: at(threshold) }
      : { x: at(threshold), width: "100%" };
    return svg("svg", { class: "strip", height: 16, role: "img",
                        "aria-label": `${format.number(value)} against ${format.number(threshold)}` },
      svg("rect", { class: "wanted", height: 16, ...wanted }),
      svg("line", { class: "threshold", x1: at(threshold), x2: at(threshold), y1: 0, y2: 16 }),
      format.known(low) && format.known(high)
        ? svg("line", { class: "whisker", x1: at(low), x2: at(high), y1: 8, y2: 8 })
        : null,
      svg("circle", { class: "dot", cx: at(value), cy: 8, r: 4 }));
  }

  function passedText({ passed, certain }) {
    const answer = passed ? "✓ yes" : "✗ no";
    return certain === false ? `${answer}, within the uncertainty` : answer;
  }

  function checksTable(checks) {
    return dom.table("Statistics with their 95% intervals, and the thresholds fixed before the run",
      ["Statistic", { title: "Value", number: true }, "95% interval", "Against the threshold",
       "Wanted", "Passed"],
      checks.map((check) => [
        check.what, format.number(check.value),
        format.known(check.low)
          ? `${format.number(check.low)} to ${format.number(check.high)}`
          : format.missing,
        strip(check),
        `${check.relation === "<=" ? "at most" : "at least"} ${format.number(check.threshold)}`,
        passedText(check),
      ]));
  }

  const overview = (all) => dom.table("All of them", ["Finding", "Verdict"], all.map((finding) => [
    element("a", { href: `#finding-${finding.name}` }, finding.title ?? finding.name),
    `${finding.verdict}${finding.certain === false ? ", within the uncertainty" : ""}`,
  ]));

  function card(finding) {
    const { title, source, prediction, explained_by: results = [], experiment, expected,
            checks = [] } = finding;
    return element("article", { class: "finding", id: `finding-${finding.name}` },
      element("h3", {}, title ?? finding.name),
      verdicts.badge(finding.verdict),
      finding.certain === false
        ? element("p", { class: "quiet" }, "Within the uncertainty: another seed may decide " +
            "otherwise.")
        : null,
      dom.definitions([["Source", source], ["The theory", prediction],
                       ["Results of the paper", format.list(results)], ["Experiment", experiment],
                       ["Expected", expected]]),
      checks.length > 0 ? checksTable(checks) : element("p", {}, finding.summary));
  }

  // Null if none was tested.
  function section({ findings: all = [] }) {
    if (all.length === 0) return null;
    const count = (verdict) => all.filter((finding) => finding.verdict === verdict).length;
    const kinds = [["holds", "hold"], ["partly", "hold partly"], ["does not hold", "do not hold"],
                   ["cannot be tested", "cannot be tested here"]];
    const outcome = kinds.filter(([verdict]) => count(verdict) > 0)
      .map(([verdict, words]) => `${count(verdict)} ${words}`);
    return frame.section("findings", "Earlier findings",
      element("p", {}, `Of ${format.plural(all.length, "earlier finding")} about adversarial ` +
        `training, put to the test here as predictions of the theory, ${format.list(outcome)}.`),
      overview(all), ...all.map(card));
  }

  return { section, checksTable };
})();
