// Made-up results of the paper in the layout of docs/results.md.
import { spread } from "./sample_parts.mjs";

const statement = (name, number, verdict, checks, chart, later = null) => ({
  name,
  number,
  title: `What ${number} comes to`,
  statement: "The component along v_i grows like exp(beta lambda_i).",
  statistic: "kappa = mean ||theory - real|| / ||real||.",
  exact: "The recursion of C numbers needs no expansion of the loss.",
  later,
  verdict,
  certain: verdict !== "partly",
  summary: "A sentence on what came out.",
  checks,
  chart,
});

const check = (value, passed) => ({
  what: "kappa of the m-step solution", value, low: value * 0.8, high: value * 1.2,
  relation: "<=", threshold: 0.1, passed, certain: true,
});

export const paper = (scale) => ({
  samples: 64,
  steps: 50,
  results: [
    statement("theorem-1", "Theorem 1", "holds", [check(0.03 * scale, true)], {
      kind: "lines", x: "share of the fooling strength", y: "relative error", log_x: true,
      log_y: true,
      series: ["quadratic", "region-exact"].map((name, k) => ({
        name,
        points: [0.03, 0.1, 0.3, 0.6, 1].map((x) => ({ x, ...spread(0.05 * scale * x * (k + 1)) })),
      })),
    }, "Dynamics that are approximate, in a simple setting."),
    statement("theorem-3", "Theorem 3", "partly", [check(0.3 * scale, false), check(0.05, true)], {
      kind: "agreement", x: "predicted change", y: "real change", log_x: false, log_y: false,
      series: [{
        name: "exact in the region",
        points: Array.from({ length: 30 }, (_, k) => {
          const value = (k - 20) * scale;
          return { x: value, ...Object.fromEntries(["q05", "q25", "median", "q75", "q95"]
            .map((key) => [key, value * 1.1])) };
        }),
      }],
    }),
    statement("theorem-6", "Theorem 6", "cannot be tested", [], null),
  ],
});
