// Images beside what the attack does to them and what the solutions of claim 1 predict.
"use strict";

const dynamicsExamples = (() => {
  const { element } = dom;
  const { looks } = charts;

  function row(example, nameOf) {
    const { sample, label, prediction, attacked_prediction: attacked, error } = example;
    const [clean, real, region, quadratic] =
      ["clean", "real", "region", "quadratic"].map((key) => images.decode(example[key]));
    if (!clean || !real) return charts.absent(`The results hold no images of sample ${sample}.`);
    const scale = images.largest(real) || 1;
    const cell = (title, picture) => element("div", { class: "cell" },
      picture ?? element("span", { class: "absent" }, "none"), element("span", {}, title));
    const predicted = (image, { name }) =>
      image && images.perturbation(image, scale, `perturbation of the ${name} solution`);
    return element("figure", { class: "example" },
      element("div", { class: "cells" },
        cell("clean", images.picture(clean, `${nameOf(label)}, clean`)),
        cell("attacked", images.picture(images.sum(clean, real), `${nameOf(label)}, attacked`)),
        cell("real δ", images.perturbation(real, scale, "perturbation of the real attack")),
        cell("region-exact", predicted(region, looks.region)),
        cell("quadratic", predicted(quadratic, looks.quadratic))),
      images.scaleBar(real, scale),
      element("figcaption", {},
        element("strong", {}, nameOf(label)),
        `: seen as ${nameOf(prediction)}, once attacked as ${nameOf(attacked)}. ` +
        `Error: region-exact ${format.percent(error?.region)}, ` +
        `quadratic ${format.percent(error?.quadratic)}. ` +
        `Gates flipped: ${format.percent(example.gates_flipped)}. ` +
        `Sample ${format.count(sample)}, ${format.strength(example.beta)}.`));
  }

  function section({ networks, data }) {
    const nameOf = chapter.classNamer(data);
    return element("section", { class: "examples", "aria-labelledby": "examples-title" },
      element("h3", { id: "examples-title" }, "What do the perturbations look like?"),
      element("div", { class: "panels" }, ...networks.map(({ title, dynamics }) => {
        const examples = dynamics?.examples ?? [];
        return element("div", { class: "panel" },
          element("h4", { class: "panel-title" }, title),
          ...(examples.length > 0
            ? examples.map((example) => row(example, nameOf))
            : [charts.absent("The results hold no examples for this network.")]));
      })),
      element("p", { class: "hint" }, "The three perturbations of a row share one scale, that of " +
        "the real one: dark is negative, grey is zero, bright is positive, and what exceeds the " +
        "scale is cut off. Perturbations of colour images are drawn as colours around grey. The " +
        "attack knows no range of pixel values; attacked images are cut to it to be shown."));
  }

  return { section };
})();
