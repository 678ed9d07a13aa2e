// Samples of the random networks with their linear regions, for each loss that the theory knows.
#pragma once

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <tuple>

#include "curvature/subjects.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/theory/input_spectrum.hpp"

namespace reluctance {

class RandomRegion : public testing::TestWithParam<NetworkAndLoss> {
 protected:
  static constexpr int64_t count = 4;

  RandomRegion() : taped_(loss_of(GetParam())), network_(network_of(GetParam()).network) {
    at::manual_seed(100 + std::get<0>(GetParam()));
    const Tensor x = random_input(network_, count);
    samples_ = {x, at::randint(network_.classes(), {count}, at::kLong)};
    region_ = linear_region(network_, samples_, loss());
    spectrum_ = input_spectrum(region_);
  }

  const Network& network() const { return network_; }
  const Loss& loss() const { return taped_.loss; }
  bool squared_error() const { return !loss().ignores_shift; }
  const Tensor& images() const { return samples_.images; }

  // The raw attack that climbs the loss.
  GradientAscent raw(double beta, int64_t steps) const {
    GradientAscent attack = raw_attack(beta, steps);
    attack.loss = loss();
    return attack;
  }

  Tensor gradient_at(const Tensor& x) const {
    CountedPasses passes(network_);
    return input_gradient(passes, samples_.with_images(x), loss());
  }

  // Automatic differentiation's dense n x n Hessian of sample i's loss, by double backward.
  Tensor dense_hessian(int64_t i) const {
    const Samples one = samples_.slice(i, i + 1);
    const Tensor x = one.images.clone().requires_grad_();
    const Tensor value = taped_.mean(forward(network_, x, Keep::nothing).logits, one.labels);
    const Tensor gradient = torch::autograd::grad({value}, {x}, {}, true, true)[0].flatten();
    Tensor hessian = at::zeros({network_.inputs(), network_.inputs()}, at::kDouble);
    for (int64_t row = 0; row < network_.inputs(); ++row) {
      hessian[row].copy_(torch::autograd::grad({gradient[row]}, {x}, {}, true)[0].flatten());
    }
    return hessian;
  }

  bool same_gates(const Tensor& x) const {
    return gates_flipped(network_, region_.pass, forward(network_, x, Keep::gates))
               .sum()
               .item<double>() == 0;
  }

  // A strength at which no gate flips on the way: the theory claims exactness only there.
  double strength_inside_the_region(int64_t steps) const {
    for (double beta = 10.0; beta > 1e-9; beta /= 2) {
      Tensor x = images().clone();
      bool inside = true;
      for (int64_t t = 0; t < steps && inside; ++t) {
        x = x + beta / static_cast<double>(steps) * gradient_at(x);
        inside = same_gates(x);
      }
      if (inside) return beta;
    }
    ADD_FAILURE() << "even the smallest attack flips a gate";
    return 0;
  }

  const TapedLoss& taped_;
  Network network_;
  Samples samples_;
  LinearRegion region_;
  InputSpectrum spectrum_;
};

}  // namespace reluctance
