// Attacks: the raw attack in class space and PGD in image space, against steps with autograd.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/attacks.hpp"
#include "clock.hpp"
#include "comparison.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/measure/ensemble.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/region_attack.hpp"
#include "setting.hpp"

namespace reluctance::benchmarks {
namespace {

double relative(const Tensor& a, const Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

// --- The raw attack ---

constexpr int64_t raw_samples = 64;
constexpr int64_t raw_steps = 1000;

struct RawProblem {
  const Network& network = trained("mlp");
  autograd::Model model{network};
  Samples samples = images_of("test").samples.head(raw_samples);
  double beta = 1;

  Tensor ours() const {
    const LinearRegion region = linear_region(network, samples);
    return perturbation(network, region, region_attack(region, beta, raw_steps));
  }
  Tensor rival() const {
    return autograd::raw_attack(model, samples.images, samples.labels, beta, raw_steps);
  }
};

// The two agree where the attack stays in one linear region. The strength is halved until half of
// the samples do; the cost of a step does not depend on it.
Sides raw_sides() {
  RawProblem problem;
  const Pass clean = forward(problem.network, problem.samples.images, Keep::gates);
  Tensor real, inside;
  for (;; problem.beta /= 2) {
    real = problem.rival();
    const Pass end = forward(problem.network, problem.samples.images + real, Keep::gates);
    inside = gates_flipped(problem.network, clean, end).eq(0).nonzero().squeeze(1);
    if (inside.numel() >= raw_samples / 2) break;
  }
  const double difference = relative(problem.ours().index_select(0, inside),
                                     real.to(at::kDouble).index_select(0, inside));
  const auto classes = static_cast<double>(problem.network.classes());
  const auto inputs = static_cast<double>(problem.network.inputs());
  return {[problem] { problem.ours(); },
          [problem] { problem.rival(); },
          {{"perturbations of " + std::to_string(inside.numel()) + " samples inside their region",
            difference, 1e-3}},
          {raw_samples * (2 + classes) * forward_operations(problem.network),
           raw_samples * 2 * classes * classes * (inputs + raw_steps)},
          ""};
}

// --- PGD ---

constexpr int64_t pgd_samples = 1000;
constexpr int64_t pgd_steps = 20;
constexpr double pgd_radius = 0.1;
constexpr double pgd_step = 2.5 * pgd_radius / pgd_steps;

struct PgdProblem {
  explicit PgdProblem(const std::string& architecture) : network(trained(architecture)) {}

  const Network& network;
  int64_t batch = pgd_samples;  // of autograd
  autograd::Model model{network};
  Samples samples = images_of("test").samples.head(pgd_samples);

  Tensor ours() const {
    PgdOptions options;
    options.ball = {Norm::linf, pgd_radius};
    options.steps = pgd_steps;
    options.step_size = pgd_step;
    options.random_start = false;
    return attacked_images(network, samples, pgd_attack(options));
  }

  Tensor rival() const {
    Tensors adversarial;
    for (int64_t begin = 0; begin < pgd_samples; begin += batch) {
      const Samples part = samples.slice(begin, std::min(begin + batch, pgd_samples));
      adversarial.push_back(
          autograd::pgd_linf(model, part.images, part.labels, pgd_radius, pgd_step, pgd_steps));
    }
    return at::cat(adversarial);
  }

  // Autograd runs with the batch size that suits it best.
  void choose_batch() {
    double best = std::numeric_limits<double>::infinity();
    int64_t chosen = batch;
    for (int64_t size : {64, 128, 250, 500, 1000}) {
      batch = size;
      for (int run = 0; run < 3; ++run) {
        const double begin = now();
        rival();
        const double seconds = now() - begin;
        if (seconds < best) {
          best = seconds;
          chosen = size;
        }
      }
    }
    batch = chosen;
  }

  Tensor answers(const Tensor& adversarial) const { return logits(network, adversarial); }
  double loss(const Tensor& adversarial) const {
    return cross_entropy(answers(adversarial), samples.labels).mean().item<double>();
  }
};

// A pixel whose gradient is almost zero goes either way by rounding, and the paths part there.
Sides pgd_sides(const std::string& architecture) {
  PgdProblem problem(architecture);
  problem.choose_batch();
  const Tensor ours = problem.ours();
  const Tensor rival = problem.rival();
  const Tensor apart = (ours - rival).abs().gt(1e-5);
  const Tensor verdicts = problem.answers(ours).argmax(1).ne(problem.answers(rival).argmax(1));
  const double operations = forward_operations(problem.network);
  return {[problem] { problem.ours(); },
          [problem] { problem.rival(); },
          {{"share of pixels apart", apart.to(at::kDouble).mean().item<double>(), 0.01},
           {"relative mean loss", std::abs(problem.loss(ours) / problem.loss(rival) - 1), 1e-3},
           {"share of verdicts apart", verdicts.to(at::kDouble).mean().item<double>(), 2e-3}},
          {pgd_samples * 2 * pgd_steps * operations, 0},
          "autograd in batches of " + std::to_string(problem.batch)};
}

// --- Robust accuracy ---

constexpr int64_t evaluated = 500;

struct Evaluation {
  Evaluation(const std::string& architecture, const Ball& radius)
      : network(adversarially_trained(architecture)), ball(radius) {}

  const Network& network;
  Ball ball;
  Samples samples = images_of("test").samples.head(evaluated);

  EnsembleResult standard() const {
    const Tensor towards = images_of("test").samples.head(1000).images;
    return run_ensemble(network, samples, standard_stages(network, ball, towards));
  }
  EnsembleResult autoattack() const {
    return run_ensemble(network, samples, autoattack_stages(network, ball));
  }
};

// The cascade against the published ensemble, both ours. Agreement is one-sided: lower is stronger.
Sides evaluation_sides(const std::string& architecture, const Ball& ball) {
  const Evaluation problem(architecture, ball);
  const EnsembleResult ours = problem.standard();
  const double excess = ours.robust.value - problem.autoattack().robust.value;
  const auto passes = static_cast<double>(ours.passes.forward + ours.passes.backward);
  return {[problem] { problem.standard(); },
          [problem] { problem.autoattack(); },
          {{"robust accuracy above the ensemble's", std::max(excess, 0.0), 0.002 + 1e-9}},
          {passes * forward_operations(problem.network), 0},
          ""};
}

}  // namespace

void add_attack_comparisons() {
  add({"attack/raw-1000", "1,000-step raw attack of 64 samples, mlp, in class space", 60, 15,
       raw_sides});
  add({"attack/pgd-20-cnn", "PGD-20 of 1,000 images, cnn", 1.5, 21,
       [] { return pgd_sides("cnn"); }});
  add({"attack/pgd-20-mlp", "PGD-20 of 1,000 images, mlp", 2, 41, [] { return pgd_sides("mlp"); }});
  for (const std::string architecture : {"mlp", "cnn"}) {
    for (const Ball& ball : {Ball{Norm::linf, 0.05}, Ball{Norm::l2, 1.0}}) {
      add({"attack/standard-" + to_string(ball.norm) + "-" + architecture,
           "robust accuracy of 500 images, " + architecture + ", " + to_string(ball.norm) +
               ", against the published ensemble",
           50, 1, [=] { return evaluation_sides(architecture, ball); }});
    }
  }
}

}  // namespace reluctance::benchmarks
