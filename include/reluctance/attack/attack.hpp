// Attacks that climb the loss by gradient steps, and the one loop that runs them.
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/attack/ball.hpp"
#include "reluctance/attack/pass_count.hpp"
#include "reluctance/base/progress.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// What an attack is, apart from the loop. Each kind of attack is a function that fills this in: it
// says only how a gradient becomes a step. The loop alone projects, clips and re-checks.
struct Attack {
  std::string description;  // "pgd, linf, epsilon 0.1, 20 steps, step size 0.025"
  int64_t steps = 1;
  double step_size = 0.0;     // alpha: the step is alpha * direction(gradient)
  std::optional<Ball> ball;   // none: unbounded
  bool pixel_box = true;      // keep pixels in [0, 1]
  bool random_start = false;  // start from a random point of the ball
  int64_t restarts = 1;       // runs; later ones only on samples that still stand

  // Turns gradients of the loss (N x ..., may be overwritten) into directions of the same shape.
  std::function<Tensor(Tensor gradient)> direction;
};

// delta <- delta + (beta / steps) * gradient, without ball or box: the attack of the theory. Total
// strength beta = step size * steps.
Attack raw_attack(double beta, int64_t steps);

// The fast gradient sign method (Goodfellow et al. 2015), one step of size epsilon in L-infinity.
// With a random start the step is 1.25 epsilon (Wong et al. 2020).
Attack fgsm_attack(double epsilon, bool random_start);

// Projected gradient ascent (Madry et al. 2018): steps along the sign of the gradient (L-infinity)
// or along the gradient divided by its norm (L2).
struct PgdOptions {
  Ball ball{Norm::linf, 0.1};
  int64_t steps = 20;
  double step_size = 0.0;  // 0: 2.5 * radius / steps, enough to cross the ball
  bool random_start = true;
  int64_t restarts = 1;
};
Attack pgd_attack(const PgdOptions& options);

struct AttackResult {
  Tensor adversarial;  // N x input shape
  Tensor success;      // N booleans: the network, asked again, does not answer the label
  Tensor target{};     // N int64: the class aimed at, -1 for none; undefined if never aimed
  Tensor margin{};     // N: the least z_y - max_k z_k met inside the ball; undefined if not kept
  PassCount passes{};  // what it cost
};

// The nearest adversarial points that an attack found, however far.
struct NearestResult {
  Tensor adversarial;  // N x input shape; the image itself where none was found
  Tensor distance;  // N, float64, in the norm; 0 for wrong answers, infinity where none was found
  PassCount passes;
};

// Attacks every sample, in chunks (base/chunks.hpp). images: N x input shape, labels: N.
// Deterministic for a seed and thread count. `progress` counts samples.
AttackResult run_attack(const Network& network, const Tensor& images, const Tensor& labels,
                        const Attack& attack, std::uint64_t seed = 0,
                        const Progress& progress = {});

// The pieces of run_attack, for one batch on the calling thread; training uses them as they are.
// Random points of the ball and box around each sample, or the samples themselves.
Tensor starting_points(const Tensor& clean, const Attack& attack, at::Generator generator);
// The iterations of the attack from `start` (N x input shape) -> the last iterate. Throws
// Interrupted between steps if an interrupt was requested.
Tensor climb(const Network& network, const Tensor& clean, const Tensor& labels, const Tensor& start,
             const Attack& attack);

// All iterates of one run of the attack, in chunks: steps + 1 of N x input shape, the first being
// the starts and the last what run_attack gives for one run with the same seed.
std::vector<Tensor> attack_path(const Network& network, const Tensor& images, const Tensor& labels,
                                Attack attack, std::uint64_t seed = 0,
                                const Progress& progress = {});

// The gradient of the loss w.r.t. the input, N x input shape, and the logits, for one batch on the
// calling thread.
struct InputGradient {
  Tensor gradient;
  Tensor logits;
};
InputGradient input_gradient(const Network& network, const Tensor& images, const Tensor& labels);

}  // namespace reluctance
