// Theorem 6: the perturbation as a displacement of the weights.
#include <ATen/ATen.h>

#include <map>

#include "claims/paper/bench.hpp"
#include "claims/paper/list.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/base/each_sample.hpp"
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

// The real gradient in the first layer, a (x + delta)^T, by its a: N x D. Of a layer of the
// identity in front it is the gradient in the image.
Tensor real_hidden(const PaperBench& bench, const Samples& attacked) {
  const Loss& loss = bench.region().loss;
  if (!has_first_layer(bench.network())) {
    CountedPasses passes(bench.network());
    return input_gradient(passes, attacked, loss).flatten(1);
  }
  return each_sample(attacked, [&](const Samples& sample, int64_t) {
    const Tensor x = sample.images.flatten();
    return at::mv(first_gradients(bench.network(), sample, loss)[0], x) / x.dot(x);
  });
}

// ||p x^T + q delta^T|| of each sample.
Tensor norms_of(const Tensor& p, const Tensor& x, const Tensor& q, const Tensor& delta) {
  const auto dot = [](const Tensor& a, const Tensor& b) { return (a * b).sum(1); };
  const Tensor square =
      dot(p, p) * dot(x, x) + 2 * dot(p, q) * dot(x, delta) + dot(q, q) * dot(delta, delta);
  return square.clamp_min(0).sqrt();
}

struct Displaced {
  Tensor share, error;  // N
};

Displaced displaced(const PaperBench& bench, double share) {
  const Samples& samples = bench.samples();
  const Tensor& delta = bench.course(share).delta;
  const Displacement theory = displacement(bench.network(), samples, delta, bench.region().loss);
  const Tensor real = real_hidden(bench, samples.with_images(samples.images + delta));
  const Tensor x = samples.images.flatten(1);
  const Tensor d = delta.flatten(1);
  return {theory.share, norms_of(theory.clean - real, x, theory.moved - real, d) /
                            (real.norm(2, 1) * (x + d).norm(2, 1))};
}

// Of each image's gradient g, after a step of gradient descent along the mean one, g': ||g' - g||
// and ||g||, 2 x N. The attack is run anew.
Tensor change_of_gradient(const PaperBench& bench, double share) {
  const Tensor alpha = bench.step_size(share);
  const Loss& loss = bench.region().loss;
  const auto attacked = [&](const Network& network) {
    Samples samples = bench.samples();
    if (share == 0) return samples;
    const Tensor delta = measure_course(network, samples, alpha, bench.steps()).delta;
    return samples.with_images(samples.images + delta);
  };
  const Samples before = attacked(bench.network());
  const Tensor mean = mean_gradient(bench.network(), before, loss);
  const Network moved = bench.network().displaced(-paper_rate * mean);
  const Samples after = attacked(moved);
  const Tensor norms = each_sample(before, [&](const Samples& sample, int64_t i) {
    const Tensor was = parameter_gradients(bench.network(), sample, loss)[0];
    const Tensor is = parameter_gradients(moved, after.slice(i, i + 1), loss)[0];
    return at::stack({(is - was).norm(), was.norm()});
  });
  return norms.t();
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
  std::map<double, Displaced> found;
  for (const double share : shares) found.emplace(share, displaced(bench, share));
  PaperSeries share =
      over_shares("||H_W DW|| / ||g||", [&](double at) { return found.at(at).share; });
  PaperSeries error =
      over_shares("relative error of the gradient", [&](double at) { return found.at(at).error; });
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
