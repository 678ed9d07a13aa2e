// The most influential images of claim 2, in a table.
"use strict";

const influenceImages = (() => {
  const { element } = dom;
  const { number, count } = format;

  const thumbnail = (image, label) =>
    image ? element("div", { class: "thumbnail" }, images.picture(image, label)) : format.missing;

  function row(example, nameOf) {
    const { label, prediction, attacked_prediction: attacked, boost, rank } = example;
    const clean = images.decode(example.clean);
    const real = images.decode(example.real);
    return [
      count(rank?.adversarial), count(rank?.clean),
      thumbnail(clean, `${nameOf(label)}, clean`),
      thumbnail(clean && real && images.sum(clean, real), `${nameOf(label)}, attacked`),
      nameOf(label), `${nameOf(prediction)} → ${nameOf(attacked)}`,
      number(boost?.measured), number(boost?.region), number(boost?.quadratic),
      number(example.gradient_norm?.clean), number(example.gradient_norm?.adversarial),
    ];
  }

  const right = (title) => ({ title, number: true });
  const columns = [right("rank, attacked"), right("rank, clean"), "clean", "attacked", "class",
                   "seen as", right("boost, measured"), right("boost, region-exact"),
                   right("boost, quadratic"), right("gradient, clean"),
                   right("gradient, attacked")];

  function table({ influence }, nameOf) {
    const examples = influence.examples ?? [];
    if (examples.length === 0) {
      return charts.absent("The results hold no examples for this network.");
    }
    return dom.table(`The ${examples.length} images with the longest gradients under attack`,
      columns, examples.map((example) => row(example, nameOf)));
  }

  function reading({ influence }) {
    const examples = influence.examples ?? [];
    const before = examples.filter(({ rank }) => rank?.clean <= examples.length).length;
    const fooled = examples.filter(({ label, attacked_prediction: attacked }) =>
      format.known(attacked) && attacked !== label).length;
    return examples.length > 0
      ? `Of these ${format.plural(examples.length, "image")}, ${before} are among the first ` +
        `${examples.length} without the attack too, and ${fooled} are misread under it.`
      : "";
  }

  function section(networks, data) {
    const nameOf = chapter.classNamer(data);
    return element("section", { class: "examples", "aria-labelledby": "influential-title" },
      element("h3", { id: "influential-title" }, "Which images pull hardest?"),
      ...networks.flatMap((network) => [
        element("h4", { class: "panel-title" }, network.title),
        table(network, nameOf),
        element("p", { class: "reading" }, reading(network)),
      ]),
      element("p", { class: "hint" }, "Under the strongest raw attack; attacked images are cut " +
        "to the range of pixel values to be shown. Rank 1 is the longest gradient of all images. " +
        "Seen as: before and under the attack."));
  }

  return { section };
})();
