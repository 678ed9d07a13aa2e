// Kinds of charts, as Vega-Lite specifications. Each gives {spec, note}, where the note says which
// points could not be shown, or null if there are none to show. Rows are {x, series, median, q25,
// q75}, and what the kind needs besides; axes come from charts.js and may be null.
"use strict";

const specs = (() => {
  const { isLog, within, drawable, drawableLying, ranged, place, seriesChannel } = encodings;

  // `detail` is whatever else tells the rows apart, if anything does.
  function tooltip(rows, x, y) {
    const at = { field: "detail", type: "nominal", title: "at" };
    return [
      { field: "series", type: "nominal" },
      ...(rows.some((row) => row.detail) ? [at] : []),
      { ...place("x", {}), title: x.title, format: ".3~g" },
      { ...place("median", {}), title: y.title, format: ".3~g" },
      ...(rows.some((row) => row.half)
        ? [{ field: "half", type: "nominal", title: "middle half" }]
        : []),
    ];
  }

  // Markers of the medians. All layers name a series with the same channels, for Vega-Lite joins
  // their legends only where they agree.
  function markers(rows, series, x, y, { size = 46, opacity = 1 } = {}) {
    const spread = rows.some((row) => format.known(row.q25));
    const described = rows.map((row) => (spread
      ? { ...row, half: `${format.number(row.q25)} to ${format.number(row.q75)}` }
      : row));
    return {
      data: { values: described },
      mark: { type: "point", filled: true, size, opacity },
      encoding: { x: place("x", x), y: place("median", y), color: seriesChannel(series, "color"),
                  shape: seriesChannel(series, "shape"), tooltip: tooltip(described, x, y) },
    };
  }

  // A dashed line at `rule.x` on a logarithmic axis that says what happens there.
  function ruleLayers(rule, axis) {
    if (!rule || !within(rule.x, axis)) return [];
    const [low, high] = axis.scale.domain;
    const align = rule.x < Math.sqrt(low * high) ? "left" : "right";
    const data = { values: [{}] };
    const x = { datum: rule.x };
    return [
      { data, mark: { type: "rule", color: charts.faint, strokeDash: [3, 3] }, encoding: { x } },
      { data,
        mark: { type: "text", text: rule.label, color: charts.faint, fontSize: 11, align,
                baseline: "bottom", dy: -6 },
        encoding: { x, y: { value: 0 } } },
    ];
  }

  // Medians as lines with markers, and bands for the middle half. A series is {name, color, dash,
  // shape}; `rule` is {x, label} or nothing; a row with `bare` has no marker.
  function lines({ rows, series, x, y, rule, height = 240 }) {
    const { drawn, note } = drawable(rows, x, y);
    if (drawn.length === 0) return null;
    // A line that leaves the chart is followed to its edge.
    const followed = rows.filter((row) => within(row.x, x) && format.known(row.median) &&
      (row.median > 0 || !isLog(y)));
    const color = seriesChannel(series, "color");
    const layer = [
      { data: { values: ranged(followed, y) },
        mark: { type: "area", opacity: 0.16, clip: true },
        encoding: { x: place("x", x), y: place("q25", y), y2: { field: "q75" }, color } },
      ...ruleLayers(rule, x),
      { data: { values: followed },
        mark: { type: "line", strokeWidth: 2, clip: true },
        encoding: { x: place("x", x), y: place("median", y), color,
                    strokeDash: seriesChannel(series, "dash") } },
      markers(drawn.filter((row) => !row.bare), series, x, y),
    ];
    return { note, spec: { height, layer } };
  }

  const diagonal = (x) => x.scale.domain.map((at) => ({ at, expected: at }));

  // Measured against predicted values, with the line on which they should lie: where they agree, or
  // `curve`, a list of {at, expected}. `marks` is {size, opacity}.
  function agreement({ rows, series, x, y, curve, marks, height = 300 }) {
    const { drawn, note } = drawable(rows, x, y);
    if (drawn.length === 0) return null;
    const layer = [
      { data: { values: ranged(drawn, y) },
        mark: { type: "rule", opacity: 0.35, strokeWidth: 1.5, clip: true },
        encoding: { x: place("x", x), y: place("q25", y), y2: { field: "q75" },
                    color: seriesChannel(series, "color") } },
      markers(drawn, series, x, y, marks),
      { data: { values: curve ?? diagonal(x) },
        mark: { type: "line", color: charts.faint, strokeDash: [4, 4], strokeWidth: 1.5,
                clip: true },
        encoding: { x: place("at", x), y: place("expected", y) } },
    ];
    return { note, spec: { height, layer } };
  }

  // Quantiles over an index: a marker at the median, a thick bar for the middle half and a thin one
  // for 5 to 95%.
  function ranges({ rows, x, y, height = 240 }) {
    const { drawn, note } = drawable(rows, x, y);
    if (drawn.length === 0) return null;
    const bar = (low, high, strokeWidth) => ({
      data: { values: ranged(drawn, y, low, high) },
      mark: { type: "rule", color: charts.looks.region.color, strokeWidth, opacity: 0.5,
              clip: true },
      encoding: { x: place("x", x), y: place(low, y), y2: { field: high } },
    });
    const medians = {
      data: { values: drawn },
      mark: { type: "point", filled: true, size: 60, opacity: 1, color: "#0b2240" },
      encoding: { x: place("x", x), y: place("median", y),
                  tooltip: ["x", "q05", "q25", "median", "q75", "q95"].map((field) =>
                    ({ ...place(field, {}), format: ".3~g" })) },
    };
    const layer = [bar("q05", "q95", 1.5), bar("q25", "q75", 7), medians];
    return { note, spec: { height, layer } };
  }

  // Values of named things, one line of the chart each, from top to bottom in the order of `names`.
  // Rows are {category, series, median}, with `minor` for small pale markers; `bars` are
  // {category, series, low, high, width, opacity}. With `apart`, the series of a name do not share
  // its line.
  function dots({ rows, bars = [], names, series, x, apart = false }) {
    const { drawn, note } = drawableLying(rows, x);
    if (drawn.length === 0) return null;
    const room = 230;
    const color = seriesChannel(series, "color", room);
    const shape = seriesChannel(series, "shape", room);
    const y = { field: "category", type: "nominal", sort: names, title: null,
                scale: { domain: names },
                axis: { grid: true, ticks: false, domain: false, labelLimit: 120 } };
    const yOffset = { field: "series", type: "nominal",
                      scale: { domain: series.map((one) => one.name) } };
    const lines = { y, ...(apart ? { yOffset } : {}) };
    const asIs = (field) => ({ field, type: "quantitative", scale: null });
    const lying = {
      data: { values: ranged(bars, x, "low", "high") },
      mark: { type: "rule", clip: true },
      encoding: { x: place("low", x), x2: { field: "high" }, ...lines, color,
                  strokeWidth: asIs("width"), opacity: asIs("opacity") },
    };
    const points = (minor) => ({
      data: { values: drawn.filter((row) => Boolean(row.minor) === minor) },
      mark: { type: "point", filled: true, size: minor ? 22 : 70, opacity: minor ? 0.55 : 1 },
      encoding: { x: place("median", x), ...lines, color, shape,
                  tooltip: [{ field: "category", type: "nominal", title: "at" },
                            { field: "series", type: "nominal" },
                            { ...place("median", {}), title: x.title, format: ".3~g" }] },
    });
    const step = apart ? 10 + 15 * series.length : 26;
    const layer = [lying, points(true), points(false)];
    return { note, spec: { height: step * names.length, layer } };
  }

  return { lines, agreement, ranges, dots };
})();
