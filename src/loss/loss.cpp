#include "reluctance/loss/loss.hpp"

#include <ATen/ATen.h>

#include <Eigen/Core>
#include <algorithm>
#include <sstream>

#include "reluctance/base/error.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/loss/dlr.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {

LossAt Loss::attacked(const Tensor& logits, const Samples& samples) const {
  if (!samples.target.defined()) return at(logits, samples.labels, {});
  const auto [value, gradient] = at(logits, samples.target, {});
  return {-value, -gradient};
}

Loss cross_entropy_loss(double label_smoothing) {
  std::ostringstream name;
  name.precision(17);
  name << "cross-entropy";
  if (label_smoothing > 0) name << ", labels smoothed by " << label_smoothing;
  Loss loss;
  loss.name = name.str();
  const double a = label_smoothing;
  loss.at = [a](const Tensor& z, const Tensor& y, const Tensor&) {
    return LossAt{smoothed_cross_entropy(z, y, a), smoothed_logit_gradient(z, y, a)};
  };
  loss.hessian_vector = logit_hessian_vector;
  loss.hessian_factor = logit_hessian_factor;
  loss.sample_gradient = [a](const double* z, int64_t classes, int64_t label, double* s) {
    const Eigen::Map<const Eigen::ArrayXd> logits(z, classes);
    Eigen::Map<Eigen::ArrayXd> gradient(s, classes);
    gradient = (logits - logits.maxCoeff()).exp();
    gradient /= gradient.sum();
    gradient[label] = 0;
    gradient[label] = -gradient.sum();
    if (a == 0) return;
    gradient -= a / static_cast<double>(classes);
    gradient[label] += a;
  };
  return loss;
}

Loss squared_error_loss() {
  Loss loss;
  loss.name = "squared-error";
  loss.ignores_shift = false;
  loss.at = [](const Tensor& z, const Tensor& y, const Tensor&) -> LossAt {
    const Tensor s = z.scatter_add(1, y.unsqueeze(1), at::full({z.size(0), 1}, -1, z.options()));
    return {s.square().sum(1).div_(2), s};
  };
  loss.hessian_vector = [](const Tensor&, const Tensor& v) { return v; };
  loss.hessian_factor = [](const Tensor& z) {
    return at::eye(z.size(1), z.options()).repeat({z.size(0), 1, 1});
  };
  loss.sample_gradient = [](const double* z, int64_t classes, int64_t label, double* s) {
    std::copy(z, z + classes, s);
    s[label] -= 1;
  };
  return loss;
}

Loss margin_loss() {
  Loss loss;
  loss.name = "margin";
  loss.at = [](const Tensor& z, const Tensor& y, const Tensor& targets) -> LossAt {
    const Tensor aim = targets.defined() ? targets : other_logits(z, y).argmax(1);
    const Tensor direction = margin_direction(z, y, aim);
    return {(direction * z).sum(1), direction};
  };
  return loss;
}

Loss dlr_loss() {
  Loss loss;
  loss.name = "dlr";
  loss.at = [](const Tensor& z, const Tensor& y, const Tensor& targets) {
    return targets.defined() ? targeted_dlr(z, y, targets) : dlr(z, y);
  };
  return loss;
}

Loss loss_named(const std::string& name) {
  for (const Loss& each : {cross_entropy_loss(), squared_error_loss(), margin_loss(), dlr_loss()}) {
    if (each.name == name) return each;
  }
  throw Error("unknown loss '" + name + "'; choose cross-entropy, squared-error, margin or dlr");
}

void require_known_to_theory(const Loss& loss) {
  if (loss.hessian_factor) return;
  throw Error("the theory knows cross-entropy and squared error on the outputs, not the loss '" +
              loss.name + "'");
}

}  // namespace reluctance
