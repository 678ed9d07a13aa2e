// What the charts share: theme, looks, axes, and figures that hold one panel per network. A chart
// is a Vega-Lite specification (specs.js) that is drawn once its place on the page has a width.
"use strict";

const charts = (() => {
  const font = getComputedStyle(document.body).fontFamily;
  const ink = "#1d2530";
  const faint = "#5a6675";

  const theme = {
    background: "white",
    font,
    padding: { left: 2, right: 10, top: 2, bottom: 2 },
    view: { stroke: null },
    title: { anchor: "start", color: ink, fontSize: 14, fontWeight: 600, offset: 10,
             frame: "bounds" },
    axis: { labelColor: ink, titleColor: ink, labelFontSize: 12, titleFontSize: 12,
            titleFontWeight: "normal", titlePadding: 8, gridColor: "#e6e9ee",
            domainColor: "#9aa4b1", tickColor: "#9aa4b1", tickSize: 4, labelPadding: 4 },
    legend: { orient: "top", direction: "horizontal", title: null, labelLimit: 220, labelColor: ink,
              labelFontSize: 12, symbolSize: 70, symbolStrokeWidth: 0, symbolOpacity: 1,
              columnPadding: 14, offset: 22, padding: 0 },
  };

  // Everything that is compared with the attack looks the same in every chart. Colour is never the
  // only difference: dash and marker differ too.
  const looks = {
    real: { name: "real attack", color: "#1d2530", dash: [1, 0], shape: "diamond" },
    quadratic: { name: "quadratic", color: "#c2500a", dash: [2, 3], shape: "triangle-up" },
    region: { name: "region-exact", color: "#10569c", dash: [1, 0], shape: "circle" },
    segments: { name: "re-linearised", color: "#1a9a7f", dash: [7, 3], shape: "square" },
  };

  // The first, second, ... of an ordered few. From dark to light, so that the order shows without
  // colour.
  const ranks = [
    { color: "#1f1147", shape: "circle" },
    { color: "#6b1d81", shape: "square" },
    { color: "#b5367a", shape: "diamond" },
    { color: "#ee605e", shape: "triangle-up" },
    { color: "#f39a4c", shape: "cross" },
  ];

  const dashes = [[1, 0], [7, 3], [2, 3], [10, 3, 2, 3], [4, 4]];

  // Looks for an ordered few with these names.
  const ordered = (names) => names.map((name, index) =>
    ({ name, dash: dashes[index % dashes.length], ...ranks[index % ranks.length] }));

  // ----- axes -----

  // The range of the values with a little air; null if there is none. `limits` cut off a range that
  // a few runaway values would stretch until nothing else can be seen.
  function logDomain(values, limits = [0, Infinity]) {
    const shown = values.filter((value) => format.known(value) && value > 0);
    if (shown.length === 0) return null;
    const low = Math.max(Math.min(...shown), limits[0]);
    const high = Math.min(Math.max(...shown), limits[1]);
    if (low > high) return logDomain(shown);
    const air = low < high ? Math.min(1.25, (high / low) ** 0.1) : 1.25;
    return [low / air, high * air];
  }

  // The products of `stops` and powers of ten in the domain.
  function logSteps([low, high], stops) {
    const steps = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const stop of stops) steps.push(Number(`${stop}e${power}`));
    }
    return steps.filter((step) => step >= low && step <= high);
  }

  // Where the domain is so narrow that its steps look even anyway.
  function evenTicks([low, high]) {
    const power = 10 ** Math.floor(Math.log10(high - low));
    const step = [5, 2, 1, 0.5, 0.2, 0.1].map((factor) => factor * power)
      .find((one) => (high - low) / one >= 4);
    const first = Math.ceil(low / step);
    return Array.from({ length: Math.floor(high / step) - first + 1 },
                      (_, index) => Number(((first + index) * step).toPrecision(6)));
  }

  // Powers of ten, thinned out where they are many and joined by others where they are few.
  function logTicks(domain) {
    if (domain[1] / domain[0] < 6) return evenTicks(domain);
    const powers = logSteps(domain, [1]);
    if (powers.length >= 3) {
      const every = Math.ceil(powers.length / 6);
      return powers.filter((tick) => Math.round(Math.log10(tick)) % every === 0);
    }
    const halves = logSteps(domain, [1, 2, 5]);
    return halves.length >= 3 ? halves : logSteps(domain, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }

  function logLabel(tick) {
    if (tick >= 1e-3 && tick <= 1e4) return tick.toLocaleString("en", { maximumFractionDigits: 4 });
    const [digits, exponent] = tick.toExponential(0).split("e");
    const power = `10${format.superscript(Number(exponent))}`;
    return digits === "1" ? power : `${digits}×${power}`;
  }

  // Null without a domain: there is nothing to draw then.
  function logAxis(title, domain, values = domain && logTicks(domain)) {
    if (!domain) return null;
    const labels = JSON.stringify(values.map(logLabel));
    return {
      title,
      scale: { type: "log", domain, nice: false },
      axis: { values, labelExpr: `${labels}[indexof(${JSON.stringify(values)}, datum.value)]`,
              labelOverlap: "greedy" },
    };
  }

  function percentAxis(title, domain = [0, 1]) {
    return { title, scale: { domain, nice: false }, axis: { format: ".0%", tickCount: 5 } };
  }

  function plainAxis(title, domain) {
    return { title, scale: { domain, nice: false }, axis: { tickCount: 5 } };
  }

  // One place for each of 1, 2, ...
  function indexAxis(title, indices) {
    return { title, scale: { domain: [0.5, Math.max(1, ...indices) + 0.5] },
             axis: { tickMinStep: 1, grid: false, format: "d" } };
  }

  // ----- figures -----

  const waiting = [];
  const saveLabel = "Save this chart";

  async function embed(place, name, spec) {
    try {
      await vegaEmbed(place, { width: "container", autosize: { type: "fit-x", contains: "padding" },
                               ...spec },
        { mode: "vega-lite", renderer: "svg", config: theme, defaultStyle: false,
          forceActionsMenu: true, downloadFileName: name, scaleFactor: { png: 2 },
          actions: { export: { svg: true, png: true }, source: false, compiled: false,
                     editor: false },
          i18n: { CLICK_TO_VIEW_ACTIONS: saveLabel, SVG_ACTION: "Save as SVG",
                  PNG_ACTION: "Save as PNG" } });
      place.querySelector("summary").setAttribute("aria-label", saveLabel);
    } catch (error) {
      console.error(error);
      place.replaceChildren(absent("This chart could not be drawn."));
    }
  }

  const absent = (text) => dom.element("p", { class: "absent" }, text);

  // One chart of a figure. `chart` is {spec, note} or null where there is nothing to draw, which
  // the text `missing` then says; `reading` is a sentence on what the chart shows.
  function panel(name, { title, chart, reading, missing, description }) {
    if (!chart) {
      return dom.element("div", { class: "panel" },
        dom.element("p", { class: "panel-title" }, title), absent(missing));
    }
    const place = dom.element("div", { class: "chart", role: "group", "aria-label": title });
    waiting.push(() => embed(place, name, {
      ...chart.spec,
      title: { text: title, limit: { expr: "width" } },
      description: `${title}. ${description}`,
    }));
    const remarks = [reading, chart.note].filter(Boolean).join(" ");
    return dom.element("div", { class: "panel" }, place,
      remarks ? dom.element("p", { class: "reading" }, remarks) : null);
  }

  // Panels in rows, below a title and above one line on how to read them.
  function figure({ name, title, caption, rows }) {
    let index = 0;
    const row = (panels) => dom.element("div", { class: "panels" }, ...panels.map((content) =>
      panel(`${name}-${++index}`, { description: `${title} ${caption}`, ...content })));
    return dom.element("figure", { class: "charts", id: name },
      dom.element("h3", {}, title), ...rows.map(row), dom.element("figcaption", {}, caption));
  }

  // Draws the charts of all figures, which must be on the page by now.
  async function drawAll() {
    await Promise.all(waiting.splice(0).map((draw) => draw()));
  }

  return { looks, ranks, ordered, faint, logDomain, logAxis, percentAxis, plainAxis, indexAxis,
           figure, drawAll, absent };
})();
