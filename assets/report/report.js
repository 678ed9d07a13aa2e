// Puts the page together from the results, then draws the charts.
"use strict";

(async () => {
  const results = JSON.parse(document.getElementById("results").textContent);
  const claims = results.claims ?? [];
  const networks = (results.networks ?? []).map((network) =>
    ({ ...network, title: network.title ?? network.id }));
  const titled = { ...results, networks };

  function titleOf(id) {
    return networks.find((network) => network.id === id)?.title ?? id;
  }

  function chapterSection({ id, title, draw }) {
    const claim = claims.find((candidate) => candidate.id === id);
    if (!claim && !networks.some((network) => network[id])) return null;
    return frame.section(id, claim ? `Claim ${claim.number}: ${claim.title}` : title,
      ...draw(titled));
  }

  const sections = [verdicts.section(titled, titleOf), advice.section(titled),
                    training.section(titled), robustness.section(titled),
                    ...chapters.map(chapterSection), paper.section(titled),
                    findings.section(titled), frame.reproduction(titled)].filter(Boolean);
  document.getElementById("main").append(...sections);
  document.getElementById("top").append(...frame.header(titled, titleOf, sections));
  document.getElementById("bottom").append(frame.footer());

  // Paper cannot be unfolded.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("#verdicts details")) details.open = true;
  });

  await charts.drawAll();
  document.documentElement.dataset.state = "drawn";
})().catch((error) => {
  const notice = charts.absent(`The page is incomplete: ${error.message}`);
  document.getElementById("main").prepend(notice);
  throw error;
});
