// Numbers and pictures that look like those of a run, for sample_results.mjs.

// A small generator with a fixed seed (mulberry32), so that every run prints the same file.
let state = 7;
export function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}

// Quantiles of a positive quantity that spreads by a factor.
export function spread(median, factor = 2) {
  const centre = median * (1 + 0.06 * (random() - 0.5));
  return {
    q05: centre / factor ** 2.4,
    q25: centre / factor,
    median: centre,
    q75: centre * factor,
    q95: centre * factor ** 2.4,
  };
}

export const map = (quantiles, change) =>
  Object.fromEntries(Object.entries(quantiles).map(([key, value]) => [key, change(value)]));

// Quantiles of a share: kept within [0, 1].
export const share = (median, factor = 1.3) =>
  map(spread(median, factor), (value) => Math.min(1, value));

// Quantiles of a cosine whose angle grows with `error`.
export function cosine(error) {
  const { q05, q25, median, q75, q95 } = map(spread(error), (value) => 1 / Math.hypot(1, value));
  return { q05: q95, q25: q75, median, q75: q25, q95: q05 };
}

export function image(values, [channels, height, width]) {
  const scale = Math.max(...values.map(Math.abs)) || 1;
  const bytes = Int8Array.from(values, (value) => Math.round((value / scale) * 127));
  return {
    shape: [channels, height, width],
    scale,
    base64: Buffer.from(bytes.buffer).toString("base64"),
  };
}

// A T-shirt of sorts, and a smooth perturbation with a few waves.
export function picture([channels, height, width]) {
  return Array.from({ length: channels * height * width }, (_, index) => {
    const x = ((index % width) / width) * 2 - 1;
    const y = ((Math.floor(index / width) % height) / height) * 2 - 1;
    const sleeves = y < -0.3 && Math.abs(x) < 0.85 + 0.3 * y;
    const body = Math.abs(x) < 0.45 && Math.abs(y) < 0.8;
    return sleeves || body ? 0.55 + 0.25 * Math.sin(5 * x + 3 * y) : 0;
  });
}

export function waves([channels, height, width], seed) {
  return Array.from({ length: channels * height * width }, (_, index) => {
    const x = (index % width) / width;
    const y = (Math.floor(index / width) % height) / height;
    const envelope = Math.exp(-8 * ((x - 0.5) ** 2 + (y - 0.5) ** 2));
    return 0.12 * envelope * Math.sin(9 * x + seed) * Math.cos(7 * y - 2 * seed);
  });
}

export const blend = (values, amount) =>
  values.map((value) => value * (1 + amount * (random() - 0.4)));
