// Attacks that climb a loss by gradient steps of given size: those of the theory and of training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/attack/attack.hpp"
#include "reluctance/loss/loss.hpp"

namespace reluctance {

// x <- P(x + alpha d), where d is the direction of steepest ascent of the loss in the ball's norm
// (the gradient itself without a ball) and P the projection onto ball and box.
struct GradientAscent {
  std::string name;  // "pgd"
  Loss loss = cross_entropy_loss();
  std::optional<Ball> ball{};  // none: unbounded
  bool pixel_box = true;       // keep inputs in the box
  int64_t steps = 1;
  double step_size = 0;       // alpha
  bool random_start = false;  // from a random point of the ball, not from the image
  int64_t restarts = 1;       // runs; later ones only on samples that still stand
};

// delta <- delta + (beta / steps) * gradient, without ball or box: the attack of the theory. Total
// strength beta = step size * steps.
GradientAscent raw_attack(double beta, int64_t steps);

// The fast gradient sign method (Goodfellow et al. 2015), one step of size epsilon in L-infinity.
// With a random start the step is 1.25 epsilon (Wong et al. 2020).
GradientAscent fgsm_attack(double epsilon, bool random_start);

// Projected gradient ascent (Madry et al. 2018).
struct PgdOptions {
  Ball ball{Norm::linf, 0.1};
  int64_t steps = 20;
  double step_size = 0.0;  // 0: 2.5 * radius / steps, enough to cross the ball
  bool random_start = true;
  int64_t restarts = 1;
};
GradientAscent pgd_attack(const PgdOptions& options);

// PGD from the images themselves: the same in every run, and what the theory follows.
GradientAscent plain_pgd(const Ball& ball, int64_t steps);

// "pgd, linf, epsilon 0.1, 20 steps, step size 0.0125, random start": all its values, numbers to so
// many digits.
std::string describe(const GradientAscent& ascent, int digits = 6);

// The attack: the last iterate of each run is asked for its answer.
Attack as_attack(const GradientAscent& ascent);

// The last iterates of one run on every sample, N x input shape, and all of them: steps + 1, the
// first being the starts. `progress` counts samples.
Tensor attacked_images(const Network& network, const Samples& samples, const GradientAscent& ascent,
                       const Context& context = {});
std::vector<Tensor> attack_path(const Network& network, const Samples& samples,
                                const GradientAscent& ascent, const Context& context = {});

// The pieces that these are made of, for one batch of inputs on the calling thread.

// The starts: random points of the ball and box around each sample, or the samples themselves.
Tensor starting_points(const Samples& samples, const GradientAscent& ascent, std::uint64_t seed);

// One step: from x along the direction that the gradient there gives, all N x input shape.
struct AscentStep {
  const Tensor& x;
  const Tensor& gradient;
  const Tensor& direction;
};

// The last iterate from `start` (N x input shape). `watch`, if any, is shown every step. Throws
// Interrupted between steps if an interrupt was requested.
Tensor climb(CountedPasses& passes, const Samples& samples, const Tensor& start,
             const GradientAscent& ascent,
             const std::function<void(const AscentStep& step)>& watch = {});

// The gradient w.r.t. the input of what the attack raises: N x input shape.
Tensor input_gradient(CountedPasses& passes, const Samples& samples, const Loss& loss);

}  // namespace reluctance
