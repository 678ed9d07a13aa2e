// Theorems 1 and 2 and corollary 1: the perturbation of m and of infinitely many steps, and its
// direction in place of normalised attacks.
#include <ATen/ATen.h>

#include "claims/paper/bench.hpp"
#include "claims/paper/list.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/geometry/norm.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/quadratic.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double kappa = 0.1;            // mean relative error of a perturbation
constexpr double of_baseline = 0.5;      // of the error without second order and without gates
constexpr double growth_error = 0.2;     // median relative error of the gradient's norm
constexpr double grows = 0.9;            // share of images
constexpr double alike = 0.9;            // cosine with a real attack, share of its loss
constexpr double gradient_alike = 0.99;  // cosine with the gradient, at weak strength
constexpr double turned = 0.75;          // share of images
constexpr int64_t many_steps = 1000000;  // stand for infinitely many
constexpr double linf_radius = 0.05;
constexpr int64_t attack_steps = 20;

constexpr auto at_most = Check::Relation::at_most;
constexpr auto at_least = Check::Relation::at_least;

// NaN where the loss to second order is out of range.
Tensor quadratic_delta(const PaperBench& bench, double share, int64_t steps) {
  const QuadraticSolution solution = quadratic_attack(bench.region(), bench.strength(share), steps);
  const Tensor c =
      solution.coefficients.masked_fill(solution.in_range.logical_not().unsqueeze(1), std::nan(""));
  const Tensor delta = perturbation(bench.network(), bench.region(), at::nan_to_num(c));
  return at::where(per_sample(solution.in_range, delta), delta, at::full_like(delta, std::nan("")));
}

Tensor gradient_at_image(const PaperBench& bench) {
  return perturbation(bench.network(), bench.region(), bench.region().logit_gradient());
}

// The attack as if the gradient stayed: the paper's baseline.
Tensor baseline_delta(const PaperBench& bench, double share) {
  const Tensor g = gradient_at_image(bench);
  return per_sample(bench.strength(share), g) * g;
}

PaperOutcome test_steps(const PaperBench& bench) {
  const auto error = [&](const Tensor& delta, double share) {
    return relative_errors(delta, bench.course(share).delta);
  };
  const auto quadratic = [&](double share) {
    return error(quadratic_delta(bench, share, bench.steps()), share);
  };
  const auto region = [&](double share) { return error(bench.region_delta(share), share); };
  const auto baseline = [&](double share) { return error(baseline_delta(bench, share), share); };
  const Interval ratio = bootstrap(
      bench.count(),
      [&, ours = region(full), theirs = baseline(full)](const Tensor& indices) {
        return (ours.index_select(0, indices).mean() / theirs.index_select(0, indices).mean())
            .item<double>();
      },
      bench.seed());
  Outcome outcome = conclude({
      error_check("kappa of the m-step solution at a tenth of the fooling strength",
                  quadratic(weak), kappa, bench.seed()),
      error_check("kappa of the region-exact solution at three tenths of the fooling strength",
                  region(moderate), kappa, bench.seed()),
      check("kappa of the region-exact solution at the fooling strength, relative to that of the "
            "gradient held",
            ratio, at_most, of_baseline),
  });
  return {std::move(outcome),
          {PaperChart::Kind::lines,
           "share of the fooling strength",
           "relative error of the perturbation",
           true,
           true,
           {over_shares("quadratic", quadratic), over_shares("region-exact", region),
            over_shares("gradient held", baseline)}}};
}

// ||sum_i (1 + alpha lambda_i)^t gamma_i v_i|| for t = 0 to m: N x (m + 1).
Tensor predicted_norms(const PaperBench& bench, double share) {
  const Tensor rate = at::log1p(bench.step_size(share).unsqueeze(1) * bench.spectrum().eigenvalues);
  Tensors norms;
  for (int64_t t = 0; t <= bench.steps(); ++t) {
    const Tensor grown = (static_cast<double>(t) * rate).exp() * bench.spectrum().gradient;
    norms.push_back(grown.norm(2, 1));
  }
  return at::stack(norms, 1);
}

PaperOutcome test_growth(const PaperBench& bench) {
  const auto relative = [](const Tensor& norms) { return norms / norms.slice(1, 0, 1); };
  const Tensor real = bench.course(moderate).gradient_norm;
  const Tensor predicted = predicted_norms(bench, moderate);
  const Tensor error = (predicted.select(1, -1) / real.select(1, -1) - 1).abs();
  const Tensor& whole = bench.course(full).gradient_norm;
  const Tensor grown = whole.select(1, -1).gt(whole.select(1, 0)).to(at::kDouble);
  Outcome outcome = conclude({
      check("relative error of the gradient's norm after m steps at three tenths of the fooling "
            "strength, median",
            median_interval(error, bench.seed()), at_most, growth_error),
      check("share of images whose gradient has grown at the fooling strength",
            mean_interval(grown, bench.seed()), at_least, grows),
  });
  const Tensor step = at::arange(bench.steps() + 1, at::kDouble);
  return {std::move(outcome),
          {PaperChart::Kind::lines,
           "step of the attack",
           "norm of the gradient, relative to its first",
           false,
           true,
           {over_columns("real attack", step, relative(real)),
            over_columns("theory", step, relative(predicted))}}};
}

Tensor attacked_delta(const PaperBench& bench, const Ball& ball) {
  GradientAscent attack = plain_pgd(ball, attack_steps);
  attack.pixel_box = false;  // the theory knows no box
  return attacked_images(bench.network(), bench.samples(), attack) - bench.samples().images;
}

Tensor losses_at(const PaperBench& bench, const Tensor& delta) {
  const Tensor z = logits(bench.network(), bench.samples().images + delta);
  return bench.region().loss.value(z, bench.samples().labels);
}

// Share of the squared length in the top eigenvector.
Tensor in_top(const PaperBench& bench, const Tensor& delta) {
  const Tensor along = components(bench.network(), bench.region(), bench.spectrum(), delta);
  return along.select(1, 0).square() / lengths(delta).square();
}

PaperOutcome test_normalised(const PaperBench& bench) {
  const Tensor direction = quadratic_delta(bench, full, many_steps);
  const Tensor in_l2 = attacked_delta(bench, {Norm::l2, paper_radius});
  const Tensor in_linf = attacked_delta(bench, {Norm::linf, linf_radius});
  const Tensor stand_in = direction * per_sample(paper_radius / lengths(direction), direction);
  const Tensor loss_share = losses_at(bench, stand_in) / losses_at(bench, in_l2);
  const auto to_gradient = [&](double share) {
    return cosines(quadratic_delta(bench, share, many_steps), gradient_at_image(bench));
  };
  const auto to_top = [&](double share) {
    return in_top(bench, quadratic_delta(bench, share, many_steps));
  };
  // With two classes there is one eigenvector, and nothing but rounding to turn.
  const Tensor turned_by = to_top(full) - to_top(weak);
  const Tensor turns =
      turned_by.ge(-1e-9).to(at::kDouble).masked_fill(turned_by.isnan(), std::nan(""));
  Outcome outcome = conclude({
      check("cosine with a real L2 attack, median",
            median_interval(cosines(stand_in, in_l2), bench.seed()), at_least, alike),
      check("loss reached, relative to that attack's, median",
            median_interval(loss_share, bench.seed()), at_least, alike),
      check("cosine with a real L-infinity attack, median",
            median_interval(cosines(stand_in, in_linf), bench.seed()), at_least, alike),
      check("cosine with the gradient at a thirtieth of the fooling strength, median",
            median_interval(to_gradient(shares.front()), bench.seed()), at_least, gradient_alike),
      check("share of images whose perturbation turns to the top eigenvector with the strength",
            mean_interval(turns, bench.seed()), at_least, turned),
  });
  return {std::move(outcome),
          {PaperChart::Kind::lines,
           "share of the fooling strength",
           "cosine, share",
           true,
           false,
           {over_shares("cosine with the gradient", to_gradient),
            over_shares("share in the top eigenvector", to_top)}}};
}

}  // namespace

PaperStatement theorem_1() {
  return {"theorem-1",
          "Theorem 1",
          "The perturbation of m steps has an analytic solution",
          "With the loss to second order delta = sum_i ((1 + alpha lambda_i)^m - 1) / lambda_i "
          "gamma_i v_i, in the eigenvectors of the input Hessian.",
          "kappa = mean ||theory - real|| / ||real||, beside a baseline that leaves out second "
          "order and gate changes (the paper's table 1).",
          "The recursion of C numbers needs no expansion of the loss: it is exact while no gate "
          "flips.",
          "Dynamics that are approximate, in a simple setting.",
          test_steps};
}

PaperStatement theorem_2() {
  return {"theorem-2",
          "Theorem 2",
          "Its components grow exponentially with the strength",
          "In the limit of infinitely many steps at the same strength the component along v_i "
          "grows like exp(beta lambda_i), and so does the gradient's.",
          "Norm of the gradient along the attack against the step (the paper's figure), beside "
          "sum_i (1 + alpha lambda_i)^t gamma_i v_i.",
          "Inside the region the growth saturates as the loss does; the limit is integrated to "
          "1e-10.",
          "Dynamics that are approximate, in a simple setting.",
          test_growth};
}

PaperStatement corollary_1() {
  return {"corollary-1",
          "Corollary 1",
          "Normalised attacks point where the unnormalised one does",
          "L2 and L-infinity attacks may be stood in for by r delta / ||delta||; weak strength "
          "gives the gradient's direction, strong strength the top eigenvector.",
          "Cosine with real attacks of 20 steps (L2 of radius 0.5, L-infinity of 0.05, without "
          "box), and the loss reached.",
          "Steps that are normalised one by one have recursions of their own: C numbers in L2, "
          "two products with J a step in L-infinity.",
          "",
          test_normalised};
}

}  // namespace reluctance
