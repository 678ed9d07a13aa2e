// Theorem 6: the perturbation as a displacement of the weights.
#include <ATen/ATen.h>

#include "claims/paper/bench.hpp"
#include "claims/paper/list.hpp"
#include "reluctance/measure/training_step.hpp"
#include "reluctance/theory/displacement.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double gradient_error = 0.2;  // median, at three tenths of the fooling strength
constexpr double restless = 1;          // change of the gradient after a step, to vanilla training
constexpr double paper_rate = 0.01;

constexpr auto at_most = Check::Relation::at_most;
constexpr auto at_least = Check::Relation::at_least;

struct Displaced {
  Tensor share, error;  // N
};

Displaced displaced(const PaperBench& bench, double share) {
  const Network network = with_first_layer(bench.network());
  const int64_t weights = network.parameters().at(0).numel();
  const Tensor& delta = bench.course(share).delta;
  Displaced found{at::empty({bench.count()}, at::kDouble), at::empty({bench.count()}, at::kDouble)};
  for (int64_t i = 0; i < bench.count(); ++i) {
    const Samples sample = bench.samples().slice(i, i + 1);
    const Tensor moved = delta.slice(0, i, i + 1);
    const Displacement theory = displacement(network, sample, moved, bench.region().loss);
    const Tensor real =
        parameter_gradients(network, sample.with_images(sample.images + moved), bench.region().loss)
            .slice(1, 0, weights);
    found.share[i] = theory.share;
    found.error[i] = ((theory.gradient.flatten() - real[0]).norm() / real.norm());
  }
  return found;
}

// ||g' - g|| / ||g|| of each image's gradient, g' after a step of gradient descent along the mean
// one; the attack is run anew.
Tensor change_of_gradient(const PaperBench& bench, double share) {
  const Tensor alpha = bench.step_size(share);
  const auto gradients = [&](const Network& network) {
    Samples samples = bench.samples();
    if (share > 0) {
      const Tensor delta = measure_course(network, samples, alpha, bench.steps()).delta;
      samples = samples.with_images(samples.images + delta);
    }
    return parameter_gradients(network, samples, bench.region().loss);
  };
  const Tensor before = gradients(bench.network());
  const Tensor after = gradients(bench.network().displaced(-paper_rate * before.mean(0)));
  return at::stack({(after - before).norm(2, 1), before.norm(2, 1)});
}

PaperOutcome test_displacement(const PaperBench& bench) {
  const auto relative = [](const Tensor& norms, const Tensor& indices) {
    const Tensor sums = norms.index_select(1, indices).sum(1);
    return (sums[0] / sums[1]).item<double>();
  };
  const Interval ratio = bootstrap(
      bench.count(),
      [&, attacked = change_of_gradient(bench, full), clean = change_of_gradient(bench, 0)](
          const Tensor& indices) { return relative(attacked, indices) / relative(clean, indices); },
      bench.seed());
  Outcome outcome = conclude({
      check("relative error of the first layer's gradient at three tenths of the fooling strength, "
            "median",
            median_interval(displaced(bench, moderate).error, bench.seed()), at_most,
            gradient_error),
      check("change of the gradient after a step of rate 0.01, relative to vanilla training's",
            ratio, at_least, restless),
  });
  PaperSeries share =
      over_shares("||H_W DW|| / ||g||", [&](double at) { return displaced(bench, at).share; });
  PaperSeries error = over_shares("relative error of the gradient",
                                  [&](double at) { return displaced(bench, at).error; });
  return {std::move(outcome),
          {PaperChart::Kind::lines,
           "share of the fooling strength",
           "relative size",
           true,
           true,
           {std::move(share), std::move(error)}}};
}

}  // namespace

PaperStatement theorem_6() {
  return {
      "theorem-6",
      "Theorem 6",
      "An attack acts like a displacement of the weights",
      "DW = W delta x^T / ||x||^2 gives the loss at the attacked image, so the Hessian in the "
      "weights enters every step of adversarial training, which makes it oscillate.",
      "Error of g + H_W DW + (dz/dh)^T s delta^T against the real gradient; ||H_W DW|| / ||g||; "
      "change of the gradient from step to step, adversarial against vanilla training.",
      "The effective curvature of claim 3 says more: how the attack moves with the weights. "
      "This one says what the attack, where it is, adds to the gradient.",
      "More likely to oscillate.",
      test_displacement};
}

}  // namespace reluctance
