// Numbers and lists as people read them. What is missing or null reads as a dash.
"use strict";

const format = (() => {
  const missing = "–";
  const known = (value) => typeof value === "number" && Number.isFinite(value);

  const superscript = (integer) =>
    String(integer).replace(/./g, (digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]));

  const minus = (text) => text.replace("-", "−");

  // Three significant digits: 0.0123, 12.3, 12,300, 1.23 × 10⁻⁶.
  function number(value) {
    if (!known(value)) return missing;
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e5)) {
      const [digits, exponent] = value.toExponential(2).split("e");
      return `${minus(String(Number(digits)))} × 10${superscript(Number(exponent))}`;
    }
    return minus(Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 }));
  }

  const count = (value) => (known(value) ? value.toLocaleString("en") : missing);

  // "12.3%", and "1,230 times" where a percentage would be hard to read.
  function percent(value) {
    if (!known(value)) return missing;
    return value < 10 ? `${number(100 * value)}%` : `${number(value)} times`;
  }

  const norms = { linf: "L∞", l2: "L2", l1: "L1" };

  // "L2"; names that are none of a norm stay as they are.
  const norm = (name) => norms[name] ?? name;

  // The strength of an attack, kept on one line.
  const strength = (beta) => `β\u00a0=\u00a0${number(beta)}`;

  // "0.12 (0.08 to 0.2)": the median and the middle half.
  function quantiles(value, one = number) {
    if (!known(value?.median)) return missing;
    return `${one(value.median)} (${one(value.q25)} to ${one(value.q75)})`;
  }

  // "0.12 (0.08 to 0.2)": a value and its interval.
  const interval = (estimate, one = number) =>
    known(estimate?.value)
      ? `${one(estimate.value)} (${one(estimate.low)} to ${one(estimate.high)})`
      : missing;

  function duration(seconds) {
    if (!known(seconds)) return missing;
    if (seconds < 60) return `${number(seconds)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  const bytes = (value) => (known(value) ? `${number(value / 2 ** 30)} GiB` : missing);

  // "23 November 2026, 01:02 UTC"; text that is no date stays as it is.
  function date(text) {
    const moment = new Date(text);
    if (typeof text !== "string" || Number.isNaN(moment.getTime())) return text ?? missing;
    const options = { dateStyle: "long", timeStyle: "short", timeZone: "UTC" };
    return `${moment.toLocaleString("en-GB", options).replace(" at ", ", ")} UTC`;
  }

  const shape = (extents) => (Array.isArray(extents) ? extents.join(" × ") : missing);

  // "a, b and c"
  const list = (items) =>
    items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;

  const plural = (amount, one, many = `${one}s`) => `${count(amount)} ${amount === 1 ? one : many}`;

  return { missing, known, superscript, number, count, percent, norm, strength, quantiles, interval,
           duration, bytes, date, shape, list, plural };
})();
