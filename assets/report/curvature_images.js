// The images that carry the top eigenvector of claim 3.
"use strict";

const curvatureImages = (() => {
  const { element } = dom;

  function thumbnail({ sample, label, prediction, share, clean }, classOf) {
    const image = images.decode(clean);
    const seen = prediction === label ? "" : `, seen as ${classOf(prediction)}`;
    return element("figure", { class: "carrier" },
      image ? images.picture(image, `${classOf(label)}, sample ${sample}`) : charts.absent("none"),
      element("figcaption", {}, element("strong", {}, format.percent(share)),
        ` ${classOf(label)}${seen}`));
  }

  function row(condition, nameOf, classOf) {
    return [
      element("p", { class: "row-title" }, nameOf(condition)),
      element("div", { class: "carriers" },
        ...condition.examples.map((one) => thumbnail(one, classOf))),
    ];
  }

  function panel({ title, curvature }, nameOf, classOf) {
    const shown = (curvature.conditions ?? []).filter(({ examples }) => examples?.length > 0);
    return element("div", { class: "panel" },
      element("h4", { class: "panel-title" }, title),
      ...(shown.length > 0
        ? shown.flatMap((condition) => row(condition, nameOf, classOf))
        : [charts.absent("The results hold no examples for this network.")]));
  }

  function section(networks, data, nameOf) {
    const classOf = chapter.classNamer(data);
    return element("section", { class: "examples", "aria-labelledby": "carriers-title" },
      element("h3", { id: "carriers-title" }, "Which images carry it?"),
      element("div", { class: "panels" },
        ...networks.map((network) => panel(network, nameOf, classOf))),
      element("p", { class: "hint" }, "The images with the largest shares of the largest " +
        "eigenvalue, with that share, their class, and what the network sees where that differs. " +
        "Shown without the attack."));
  }

  return { section };
})();
