// What the kinds of charts in specs.js share: which rows the axes can show, and how rows become
// channels of Vega-Lite.
"use strict";

const encodings = (() => {
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

  // The same where the value lies across and rows have names instead of places.
  function lyingObstacle({ median }, x) {
    if (!format.known(median)) return "not computed";
    if (isLog(x) && median <= 0) return "not above zero";
    return within(median, x) ? null : "beside the chart";
  }

  // The rows without an obstacle, and a note on the others.
  function sifted(rows, obstacleOf) {
    const obstacles = rows.map(obstacleOf);
    const counts = new Map();
    for (const one of obstacles.filter(Boolean)) counts.set(one, (counts.get(one) ?? 0) + 1);
    const notes = [...counts].map(([text, count]) => `${format.plural(count, "point")} ${text}`);
    return { drawn: rows.filter((row, index) => !obstacles[index]),
             note: notes.length > 0 ? `Not shown: ${format.list(notes)}.` : null };
  }

  // The rows that the axes can show, and a note on those that they cannot.
  function drawable(rows, x, y) {
    if (!x || !y) return { drawn: [], note: null };
    return sifted(rows, (row) => obstacle(row, x, y));
  }

  // The same for rows of a name and a value.
  function drawableLying(rows, x) {
    if (!x) return { drawn: [], note: null };
    return sifted(rows, (row) => lyingObstacle(row, x));
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

  // Names that do not fit beside one another on a narrow screen, in `room` pixels, go below one
  // another. The widths are estimates.
  function legendColumns(names, room) {
    const widths = names.map((name) => 40 + 6.5 * Math.min(name.length, 24));
    const total = widths.reduce((sum, width) => sum + width, 0);
    return total > room ? Math.max(1, Math.floor(room / Math.max(...widths))) : null;
  }

  function seriesChannel(series, look, room = 330) {
    const names = series.map((one) => one.name);
    const columns = legendColumns(names, room);
    return { field: "series", type: "nominal", title: null,
             scale: { domain: names, range: series.map((one) => one[look]) },
             ...(columns ? { legend: { columns } } : {}) };
  }

  return { isLog, within, drawable, drawableLying, ranged, place, seriesChannel };
})();
