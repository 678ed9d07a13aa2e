// Kinds of charts, as Vega-Lite specifications. Each gives {spec, note}, where the note says which
// points could not be shown, or null if there are none to show. Rows are {x, series, median, q25,
// q75}, and what the kind needs besides; axes come from charts.js and may be null.
"use strict";

const specs = (() => {
  const isLog = (axis) => axis.scale.type === "log";

  // A share or a cosine of 1 may come out a rounding above it; a logarithmic axis gives no slack,
  // because there it could reach zero.
  function within(value, axis) {
    const [low, high] = axis.scale.domain;
    const slack = isLog(axis) ? 0 : 1e-4 * (high - low);
    return format.known(value) && value >= low - slack && value <= high + slack;
  }

  // Why the axes cannot show a row, in words; null if they can.
  function obstacle({ x: across, median }, x, y) {
    if (!format.known(across) || !format.known(median)) return "not computed";
    if (isLog(y) && median <= 0) return "not above zero";
    if (!within(median, y)) return `${median < y.scale.domain[0] ? "below" : "above"} the chart`;
    return within(across, x) ? null : "beside the chart";
  }

  // The rows that the axes can show, and a note on those that they cannot.
  function drawable(rows, x, y) {
    if (!x || !y) return { drawn: [], note: null };
    const obstacles = rows.map((row) => obstacle(row, x, y));
    const counts = new Map();
    for (const one of obstacles.filter(Boolean)) counts.set(one, (counts.get(one) ?? 0) + 1);
    const notes = [...counts].map(([text, count]) => `${format.plural(count, "point")} ${text}`);
    return { drawn: rows.filter((row, index) => !obstacles[index]),
             note: notes.length > 0 ? `Not shown: ${format.list(notes)}.` : null };
  }

  // The rows whose range from `low` to `high` is known. What has no place on a logarithmic axis
  // goes to its lower end.
  function ranged(rows, axis, low = "q25", high = "q75") {
    const placed = (value) => (isLog(axis) && value <= 0 ? axis.scale.domain[0] : value);
    return rows
      .filter((row) => format.known(row[low]) && format.known(row[high]))
      .map((row) => ({ ...row, [low]: placed(row[low]), [high]: placed(row[high]) }));
  }

  const place = (field, axis) => ({ field, type: "quantitative", ...axis });

  function seriesChannel(series, look) {
    return { field: "series", type: "nominal", title: null,
             scale: { domain: series.map((one) => one.name),
                      range: series.map((one) => one[look]) } };
  }

  // `detail` is whatever else tells the rows apart, if anything does.
  function tooltip(rows, x, y) {
    const at = { field: "detail", type: "nominal", title: "at" };
    return [
      { field: "series", type: "nominal" },
      ...(rows.some((row) => row.detail) ? [at] : []),
      { ...place("x", {}), title: x.title, format: ".3~g" },
      { ...place("median", {}), title: y.title, format: ".3~g" },
      { field: "half", type: "nominal", title: "middle half" },
    ];
  }

  // Markers of the medians. All layers name a series with the same channels, for Vega-Lite joins
  // their legends only where they agree.
  function markers(rows, series, x, y) {
    const described = rows.map((row) =>
      ({ ...row, half: `${format.number(row.q25)} to ${format.number(row.q75)}` }));
    return {
      data: { values: described },
      mark: { type: "point", filled: true, size: 46, opacity: 1 },
      encoding: { x: place("x", x), y: place("median", y), color: seriesChannel(series, "color"),
                  shape: seriesChannel(series, "shape"), tooltip: tooltip(rows, x, y) },
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
  // shape}; `rule` is {x, label} or nothing.
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
      markers(drawn, series, x, y),
    ];
    return { note, spec: { height, layer } };
  }

  // Measured against predicted values, with the line on which they agree.
  function agreement({ rows, series, x, y, height = 300 }) {
    const { drawn, note } = drawable(rows, x, y);
    if (drawn.length === 0) return null;
    const layer = [
      { data: { values: x.scale.domain.map((at) => ({ at })) },
        mark: { type: "line", color: charts.faint, strokeDash: [4, 4], strokeWidth: 1.5,
                clip: true },
        encoding: { x: place("at", x), y: place("at", y) } },
      { data: { values: ranged(drawn, y) },
        mark: { type: "rule", opacity: 0.35, strokeWidth: 1.5, clip: true },
        encoding: { x: place("x", x), y: place("q25", y), y2: { field: "q75" },
                    color: seriesChannel(series, "color") } },
      markers(drawn, series, x, y),
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

  return { lines, agreement, ranges };
})();
