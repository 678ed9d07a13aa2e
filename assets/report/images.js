// Pictures of images and perturbations, one canvas each.
"use strict";

const images = (() => {
  // Below zero is dark blue, zero grey, above zero pale yellow: brightness alone tells the sign.
  const diverging = { low: [10, 30, 92], middle: [138, 138, 138], high: [255, 238, 170] };

  // {shape, values} of an image of results.json; null if it holds none. Samples that are no images
  // become strips.
  function decode(image) {
    if (!image?.base64) return null;
    const { shape, scale, base64 } = image;
    const bytes = Int8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return { shape: shape.length === 3 ? shape : [1, 1, bytes.length],
             values: Float32Array.from(bytes, (byte) => (byte / 127) * scale) };
  }

  const largest = ({ values }) =>
    values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

  function sum(first, second) {
    return { shape: first.shape,
             values: first.values.map((value, index) => value + second.values[index]) };
  }

  // Red, green and blue of `value` in [-1, 1] on the diverging scale.
  function divergingColour(value) {
    const end = value < 0 ? diverging.low : diverging.high;
    const amount = Math.min(1, Math.abs(value));
    return diverging.middle.map((channel, index) => channel + amount * (end[index] - channel));
  }

  const grey = (value) => [value, value, value].map((channel) => 255 * channel);

  const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;

  // Draws one pixel per value. `colour(channels)` gives red, green and blue of a pixel in 0..255.
  function canvas({ shape: [channels, height, width], values }, label, colour) {
    const node = dom.element("canvas", { width, height, role: "img", "aria-label": label });
    const context = node.getContext("2d");
    const pixels = context.createImageData(width, height);
    const area = width * height;
    for (let at = 0; at < area; at++) {
      const pixel = Array.from({ length: channels }, (_, channel) => values[channel * area + at]);
      pixels.data.set([...colour(pixel), 255], 4 * at);
    }
    context.putImageData(pixels, 0, 0);
    return node;
  }

  // An image with values in [0, 1]; what lies outside is cut off.
  function picture(image, label) {
    return canvas(image, label, (pixel) =>
      pixel.length === 3 ? pixel.map((value) => 255 * value) : grey(mean(pixel)));
  }

  // A perturbation with values from -scale to scale; what lies outside is cut off. Three channels
  // are drawn as red, green and blue around grey.
  function perturbation(image, scale, label) {
    return canvas(image, label, (pixel) =>
      pixel.length === 3
        ? pixel.map((value) => 127.5 * (1 + value / scale))
        : divergingColour(mean(pixel) / scale));
  }

  // What dark and bright mean in perturbation(image, scale).
  function scaleBar({ shape: [channels] }, scale) {
    const ramp = channels === 3 ? "ramp colourless" : "ramp";
    return dom.element("p", { class: "scale" }, `−${format.number(scale)}`,
      dom.element("span", { class: ramp, "aria-hidden": "true" }), `+${format.number(scale)}`);
  }

  return { decode, largest, sum, picture, perturbation, scaleBar };
})();
