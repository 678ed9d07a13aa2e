// What surrounds the chapters: the header with data and networks, and how to run this again.
"use strict";

const frame = (() => {
  const { element, definitions } = dom;

  // A part of the page with its heading.
  function section(id, title, ...children) {
    const heading = `${id}-title`;
    return element("section", { id, "aria-labelledby": heading },
      element("h2", { id: heading }, title), ...children);
  }

  function navigation(sections) {
    return element("nav", { "aria-label": "On this page" }, ...sections.map((one) =>
      element("a", { href: `#${one.id}` }, one.querySelector("h2").textContent.split(":")[0])));
  }

  // "holds for Trained plainly and Trained adversarially; cannot be tested for ..."
  function outcome(claim, titleOf) {
    const networksOf = new Map();
    for (const { verdict, network } of claim.verdicts ?? []) {
      networksOf.set(verdict, [...(networksOf.get(verdict) ?? []), `“${titleOf(network)}”`]);
    }
    return [...networksOf]
      .map(([verdict, titles]) => {
        const phrase = verdict === "partly" ? "holds partly" : verdict;
        return `${phrase} for ${format.list(titles)}`;
      })
      .join("; ");
  }

  function answer(results, titleOf) {
    const sentences = (results.claims ?? [])
      .filter((claim) => claim.verdicts?.length > 0)
      .map((claim) => element("p", { class: "answer" },
        element("strong", {}, `${claim.title}: `), `${outcome(claim, titleOf)}.`));
    if (sentences.length > 0) return sentences;
    const nothing = results.findings?.length > 0
      ? "This run tested earlier findings alone."
      : "This run tested no claim.";
    return [element("p", { class: "answer" }, nothing)];
  }

  function trainingText(training) {
    if (!training) return "brought along, not trained by this run";
    return [
      training.method === "adversarial" ? `adversarially (${training.attack})` : "plainly",
      format.known(training.epochs) && format.plural(training.epochs, "epoch"),
      `learning rate ${format.number(training.learning_rate)}`,
      format.known(training.batch_size) && `batches of ${format.count(training.batch_size)}`,
      format.known(training.seconds) && format.duration(training.seconds),
    ].filter(Boolean).join(", ");
  }

  // A bar from 0 to 100% with its 95% interval, and the numbers beside it.
  function accuracy(name, value) {
    if (!format.known(value?.value)) {
      return element("div", { class: "accuracy" }, element("span", {}, name),
        element("span", { class: "absent" }, "not measured"));
    }
    const interval = `${format.percent(value.low)}–${format.percent(value.high)}`;
    const { svg } = dom;
    const at = (share) => `${100 * share}%`;
    const bar = svg("svg", { class: "bar", role: "img", height: 14,
                             "aria-label": `${name} ${format.percent(value.value)}` },
      svg("rect", { class: "track", width: "100%", height: 14, rx: 3 }),
      svg("rect", { class: "fill", width: at(value.value), height: 14, rx: 3 }),
      svg("line", { class: "whisker", x1: at(value.low), x2: at(value.high), y1: 7, y2: 7 }));
    return element("div", { class: "accuracy" },
      element("span", {}, name), bar,
      element("span", { class: "value" }, element("strong", {}, format.percent(value.value)),
        ` (${interval})`));
  }

  function networkCard(network) {
    const { clean, robust } = network.accuracy ?? {};
    return element("article", { class: "card" },
      element("h2", {}, network.title),
      element("p", { class: "quiet" },
        `${network.architecture ?? format.missing}, ${format.count(network.parameters)} weights`),
      accuracy("Clean accuracy", clean),
      accuracy("Robust accuracy", robust),
      definitions([
        ["Trained", trainingText(network.training)],
        ["Attacked with", robust?.attack],
        ["File", network.file],
      ]));
  }

  function dataLine({ data, run }) {
    if (!data) return null;
    return element("p", { class: "quiet" },
      `${data.name}: ${format.plural(data.samples, "image")} of ${format.shape(data.shape)}, ` +
      `${format.plural(data.classes, "class", "classes")}. ` +
      `Measured on ${format.date(run?.started)}, in ${format.duration(run?.seconds)}.`);
  }

  function header(results, titleOf, sections) {
    const networks = results.networks ?? [];
    return [
      element("div", { class: "masthead" }, element("p", { class: "brand" }, "Reluctance"),
        navigation(sections)),
      element("h1", {}, "Why is adversarial training of ReLU networks hard?"),
      ...answer(results, titleOf),
      dataLine(results),
      element("section", { class: "cards", "aria-label": "The networks" },
        ...networks.map(networkCard)),
      networks.length > 0
        ? element("p", { class: "hint" }, "Accuracies with their 95% intervals (Wilson).")
        : null,
    ].filter(Boolean);
  }

  function librariesText(libraries) {
    const entries = Object.entries(libraries ?? {});
    return entries.length > 0 ? entries.map((entry) => entry.join(" ")).join(", ") : null;
  }

  function machineText(machine) {
    if (!machine) return null;
    return [machine.processor, format.plural(machine.cores, "core"),
            `${format.bytes(machine.memory_bytes)} memory`, machine.system].join(", ");
  }

  function reproduction({ run = {}, data = {} }) {
    return section("reproduce", "How to reproduce",
      element("p", {}, "The same command, seed and number of threads give the same numbers " +
        "on the same machine. Everything on this page is drawn from results.json, which lies " +
        "beside it."),
      element("pre", {}, element("code", {}, run.command ?? format.missing)),
      definitions([
        ["Program", run.program],
        ["Seed", run.seed],
        ["Threads", run.threads],
        ["Device", run.device],
        ["Libraries", librariesText(run.libraries)],
        ["Machine", machineText(run.machine)],
        ["Data", data.name],
        ["Checksum", data.checksum],
      ]));
  }

  function footer() {
    const licences = [...document.querySelectorAll('script[type="text/plain"]')];
    return dom.details("Licences of the chart libraries in this page",
      ...licences.map(({ textContent }) =>
        element("pre", { class: "licence" }, textContent.trim())));
  }

  return { section, header, reproduction, footer };
})();

// The chapters of the page, in its order. A chapter adds {id, title, draw}: the id of its claim,
// which is also its key in a network's results; a title, should the results not hold the claim; and
// a function from the results to the elements below the heading.
const chapters = [];
