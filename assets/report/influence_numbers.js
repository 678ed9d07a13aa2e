// The numbers of claim 2, and where they are in results.json.
"use strict";

const influenceNumbers = (() => {
  const { quantiles, number, percent, interval } = format;
  const right = (title) => ({ title, number: true });
  const points = (share) => number(100 * share);

  const columns = ["attack", ...["effective β", "images fooled", "gates flipped", "boost, measured",
    "boost, region-exact", "boost, quadratic", "quadratic overflows",
    "rank correlation, region-exact", "rank correlation, quadratic", "growth per βκ",
    "effective share, clean", "effective share, attacked",
    "change (percentage points)"].map(right), "regime",
    ...["Gini, clean", "Gini, attacked", "top 1%, clean", "top 1%, attacked", "top 5%, clean",
        "top 5%, attacked"].map(right)];

  function row(entry, nameOf) {
    const { boost, rank_correlation: rank, concentration } = entry;
    const both = (key, one) =>
      [one(concentration?.clean?.[key]), one(concentration?.adversarial?.[key])];
    return [
      nameOf(entry), quantiles(entry.effective_beta), percent(entry.fooled),
      percent(entry.gates_flipped_share), quantiles(boost?.measured), quantiles(boost?.region),
      quantiles(boost?.quadratic), percent(entry.outside_range), number(rank?.region),
      number(rank?.quadratic), interval(entry.slope), ...both("effective_share", percent),
      interval(entry.change, points), entry.regime ?? format.missing, ...both("gini", number),
      ...both("top1", percent), ...both("top5", percent),
    ];
  }

  const keys = [
    ["samples, steps", "images used; steps of the raw attack"],
    ["fooled_half_beta", "strength at which half of the images that were right are fooled"],
    ["strengths[].kind, norm, strength", "kind and norm of the attack; β of raw ones, ε of others"],
    ["strengths[].fooled, gates_flipped_share", "images fooled; gates flipped"],
    ["strengths[].effective_beta", "the raw strength that the steps amount to, image by image"],
    ["strengths[].boost", "growth of the loss’s gradient in the logits, measured and predicted"],
    ["strengths[].outside_range", "images left out of the quadratic boost, which overflows"],
    ["strengths[].rank_correlation", "Spearman’s, of predicted and measured boost"],
    ["strengths[].slope", "growth of the logarithm of the boost per unit of βκ"],
    ["strengths[].concentration", "how few images share the pull, clean and attacked"],
    ["strengths[].change, regime", "change of the effective share, and what it means"],
    ["clouds", "all images at the weak and at the strongest raw attack"],
    ["examples", "the images above"],
  ];

  const table = ({ title, influence }, nameOf) =>
    dom.table(`${title}: every attack; median (middle half), estimate (95% interval)`, columns,
      influence.strengths.map((entry) => row(entry, nameOf)));

  return (networks, nameOf) => chapter.numbers("influence",
    networks.filter(({ influence }) => influence.strengths?.length > 0)
      .map((network) => table(network, nameOf)), keys);
})();
