// What to change about a network and its training: at most five pieces, the most severe first.
"use strict";

const advice = (() => {
  const { element } = dom;

  const piece = ({ action, evidence }) => element("li", {},
    element("strong", {}, `${action ?? format.missing}.`), " ", evidence ?? "");

  function ofNetwork({ title, advice: pieces }) {
    const text = pieces.length > 0
      ? element("ol", {}, ...pieces.map(piece))
      : element("p", {}, "Nothing that was measured calls for a change.");
    return element("article", { class: "card" }, element("h3", {}, title), text);
  }

  // Null if no network was advised on.
  function section({ networks }) {
    const advised = networks.filter((network) => Array.isArray(network.advice));
    if (advised.length === 0) return null;
    return frame.section("advice", "Advice",
      element("div", { class: "cards" }, ...advised.map(ofNetwork)),
      element("p", { class: "hint" }, "Only what was measured on this run, above thresholds that " +
        "were fixed before it."));
  }

  return { section };
})();
