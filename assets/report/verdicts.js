// One card per claim, and in it one verdict per network with the checks it rests on.
"use strict";

const verdicts = (() => {
  const { element, svg } = dom;

  // Each verdict has a shape of its own, so that it can be told without colour.
  const kinds = {
    holds: { tone: "holds", shape: [
      svg("circle", { cx: 12, cy: 12, r: 11, fill: "currentColor" }),
      svg("path", { d: "M6.5 12.5l4 4 7-8.5", class: "cut" }),
    ] },
    partly: { tone: "partly", shape: [
      svg("circle", { cx: 12, cy: 12, r: 10, class: "outline" }),
      svg("path", { d: "M12 2a10 10 0 0 1 0 20z", fill: "currentColor" }),
    ] },
    "does not hold": { tone: "fails", shape: [
      svg("rect", { x: 1, y: 1, width: 22, height: 22, rx: 4, fill: "currentColor" }),
      svg("path", { d: "M7 7l10 10M17 7L7 17", class: "cut" }),
    ] },
    "cannot be tested": { tone: "untested", shape: [
      svg("circle", { cx: 12, cy: 12, r: 10, class: "outline dashed" }),
      svg("path", { d: "M8 12h8", class: "outline" }),
    ] },
  };

  function badge(verdict) {
    const { tone, shape } = kinds[verdict] ?? kinds["cannot be tested"];
    const icon = svg("svg", { viewBox: "0 0 24 24", width: 24, height: 24, "aria-hidden": "true" },
      ...shape.map((part) => part.cloneNode()));
    return element("p", { class: `badge ${tone}` }, icon, verdict ?? format.missing);
  }

  const relations = { "<=": "at most", ">=": "at least" };

  function checksTable(checks) {
    return dom.table("Checks behind this verdict",
      ["Check", { title: "Value", number: true }, "Wanted", "Passed"],
      checks.map(({ what, value, relation, threshold, passed, certain }) => [
        what, format.number(value),
        `${relations[relation] ?? relation} ${format.number(threshold)}`,
        `${passed ? "✓ yes" : "✗ no"}${certain === false ? ", within the uncertainty" : ""}`,
      ]));
  }

  function verdictCard(verdict, title) {
    const checks = verdict.checks ?? [];
    const passed = checks.filter((check) => check.passed).length;
    return element("article", { class: "card" },
      element("h4", {}, title),
      badge(verdict.verdict),
      verdict.certain === false
        ? element("p", { class: "quiet" }, "Within the uncertainty: other images or another seed " +
            "may decide otherwise.")
        : null,
      element("p", {}, verdict.summary),
      checks.length > 0
        ? dom.details(`${passed} of ${format.plural(checks.length, "check")} passed`,
            checksTable(checks))
        : null);
  }

  function claimSection(claim, titleOf) {
    return element("section", { class: "claim" },
      element("h3", {}, `Claim ${claim.number}: ${claim.title}`),
      element("p", {}, claim.statement),
      element("p", { class: "quiet" }, claim.source),
      element("div", { class: "cards" },
        ...(claim.verdicts ?? []).map((verdict) =>
          verdictCard(verdict, titleOf(verdict.network)))));
  }

  function section(results, titleOf) {
    const claims = results.claims ?? [];
    if (claims.length === 0 && results.findings?.length > 0) return null;
    return frame.section("verdicts", "Verdicts",
      ...(claims.length > 0
        ? claims.map((claim) => claimSection(claim, titleOf))
        : [charts.absent("The results hold no claims.")]));
  }

  return { section, badge };
})();
