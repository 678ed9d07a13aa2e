#include "autograd/attacks.hpp"

#include <ATen/ATen.h>

namespace reluctance::autograd {

Tensor pgd_linf(const Model& network, const Tensor& images, const Tensor& labels, double radius,
                double step_size, int64_t steps) {
  const Tensor low = (images - radius).clamp_min_(0);
  const Tensor high = (images + radius).clamp_max_(1);
  Tensor x = images.clone();
  for (int64_t step = 0; step < steps; ++step) {
    x.add_(input_gradient(network, x, labels).sign_(), step_size);
    at::clamp_out(x, x, low, high);
  }
  return x;
}

Tensor raw_attack(const Model& network, const Tensor& images, const Tensor& labels, double beta,
                  int64_t steps) {
  Tensor delta = at::zeros_like(images);
  for (int64_t step = 0; step < steps; ++step) {
    delta.add_(input_gradient(network, images + delta, labels), beta / static_cast<double>(steps));
  }
  return delta;
}

}  // namespace reluctance::autograd
