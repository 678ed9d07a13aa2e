// How near a training came to the learning rate at which it oscillates.
"use strict";

const training = (() => {
  const looks = {
    hessian: { name: "Hessian, clean images", color: "#c2500a", dash: [2, 3],
               shape: "triangle-up" },
    hessian_adversarial: { name: "Hessian, attacked", color: "#1d2530", dash: [7, 3],
                           shape: "diamond" },
    effective: { name: "effective", color: "#10569c", dash: [1, 0], shape: "circle" },
  };

  const linesOf = (network) => network.training?.diagnosis ?? [];

  const rowsOf = (network) => Object.entries(looks).flatMap(([key, look]) =>
    linesOf(network).map(({ step, rate_times_curvature: times, critical }) => ({
      x: step, series: look.name,
      median: format.known(times?.[key]) && critical > 0 ? times[key] / critical : null })));

  function reading(network) {
    const lines = linesOf(network).filter(({ rate_times_curvature: times, critical }) =>
      format.known(times?.effective) && critical > 0);
    if (lines.length === 0) return "";
    const share = ({ rate_times_curvature: times, critical }) => times.effective / critical;
    const worst = lines.reduce((most, line) => (share(line) > share(most) ? line : most));
    return `At step ${format.count(worst.step)} the rate was ` +
           `${format.percent(share(worst))} of the critical one, the most of all steps asked.`;
  }

  // Null if no training was watched whose critical rate is known.
  function section({ networks }) {
    const watched = networks.filter((network) => linesOf(network).some(({ critical }) => critical > 0));
    if (watched.length === 0) return null;
    const rows = watched.map(rowsOf);
    const all = rows.flat();
    const x = charts.logAxis("step of the training", charts.logDomain(all.map((row) => row.x)));
    const y = charts.logAxis("learning rate / critical rate",
      charts.logDomain([1, ...all.map((row) => row.median)], [1e-4, 1e4]));
    return frame.section("training", "The trainings", charts.figure({
      name: "training-rate",
      title: "How near did the learning rate come to the critical one?",
      caption: "The learning rate relative to the critical one, 2 (1 + momentum) / largest eigenvalue " +
        "(other factors with Nesterov's step and dampening), for three " +
        "curvatures over the images that were watched. From 1 on the largest oscillation grows. Adversarial " +
        "training feels the effective curvature.",
      rows: [watched.map((network, index) => ({
        title: network.title,
        chart: specs.lines({ rows: rows[index], series: Object.values(looks), x, y }),
        reading: reading(network),
        missing: "The results hold no such numbers for this network.",
      }))],
    }));
  }

  return { section };
})();
