#include "reluctance/claims/felt_curvature.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "reluctance/base/error.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/geometry/norm.hpp"

namespace reluctance {

Carriers carriers_of(double eigenvalue, const Tensor& curvatures) {
  const Tensor shares = curvatures / (static_cast<double>(curvatures.size(0)) * eigenvalue);
  const Tensor sums = std::get<0>(shares.sort(0, /*descending=*/true)).cumsum(0);
  const int64_t half = sums.lt(0.5).sum().item<int64_t>() + 1;
  return {eigenvalue, std::min(half, curvatures.size(0)), shares};
}

void require_known_curvature(const Objective& objective) {
  if (!objective.attack) return;
  const GradientAscent& attack = *objective.attack;
  if (attack.loss.name != objective.loss.name) {
    throw Error("the curvature under an attack that climbs " + attack.loss.name +
                " is not known for training that descends " + objective.loss.name);
  }
  if (attack.ball) {
    require_norm("the effective curvature", attack.ball->norm, {Norm::linf, Norm::l2});
  }
}

FeltCurvature::FeltCurvature(const Network& network, const Samples& samples,
                             const Objective& objective, const FeltCurvatureOptions& options) {
  const auto at_images = [&](const Tensor& images) {
    return std::make_shared<CurvatureSamples>(network, samples.with_images(images), objective.loss,
                                              options.memory);
  };
  require_known_curvature(objective);
  if (!objective.attack) {
    at_ = at_images(samples.images);
    return;
  }
  GradientAscent attack = *objective.attack;
  attack.random_start = false;  // the same for all parameters
  if (!attack.ball) {
    at_ = at_images(attacked_images(network, samples, attack, options.context));
    const double beta = attack.step_size * static_cast<double>(attack.steps);
    effective_.emplace(at_, RawResponse{beta, attack.steps}, options.memory);
  } else if (attack.ball->norm == Norm::l2) {
    const std::vector<Tensor> path = attack_path(network, samples, attack, options.context);
    at_ = at_images(path.back());
    effective_.emplace(
        at_,
        L2Response{attack.ball->radius, samples.images, attack.pixel_box, path, attack.step_size},
        options.memory);
  } else {
    at_ = at_images(attacked_images(network, samples, attack, options.context));
  }
}

LinearOperator FeltCurvature::hessian() const { return loss_hessian(at_); }

LinearOperator FeltCurvature::gauss_newton() const { return reluctance::gauss_newton(at_); }

LinearOperator FeltCurvature::effective() const {
  return effective_ ? effective_->matrix() : hessian();
}

Tensor FeltCurvature::sample_curvatures(const Tensor& v) const {
  return effective_ ? effective_->sample_curvatures(v) : sample_hessians(v);
}

Tensor FeltCurvature::sample_hessians(const Tensor& v) const {
  return reluctance::sample_curvatures(*at_, v);
}

Tensor FeltCurvature::sample_gauss_newton(const Tensor& v) const {
  return reluctance::sample_gauss_newton(*at_, v);
}

Tensor FeltCurvature::smooth() const {
  return effective_ ? effective_->smooth() : at::ones({at_->count()}, at::kBool);
}

bool is_linf(const std::optional<GradientAscent>& attack) {
  return attack && attack->ball && attack->ball->norm == Norm::linf;
}

double swing_curvature(const Network& network, const Samples& samples, const Objective& objective,
                       const Tensor& start, double width) {
  constexpr int steps = 12;
  constexpr int averaged = 4;
  constexpr double reproduced = 0.7071;  // cosine of v and S(v): less of it across than along
  constexpr double shift = 0.5;          // of |S(v)|, so that negative curvature does not lead
  Objective followed = objective;
  if (followed.attack) followed.attack->random_start = false;
  const double length = width * network.flat_parameters().norm().item<double>();
  const auto gradient = [&](const Tensor& displacement) {
    return batch_gradient(network.displaced(displacement), samples, followed).flat();
  };
  Tensor v = start / start.norm();
  double along = 0;
  double sizes = 0;
  for (int step = 0; step < steps; ++step) {
    const Tensor swing = v * length;
    const Tensor change = (gradient(swing) - gradient(-swing)) / (2 * length);
    const double size = change.norm().item<double>();
    if (!(size > 0)) return 0;
    if (step >= steps - averaged) {
      along += v.dot(change).item<double>();
      sizes += size;
    }
    v = change + shift * size * v;
    v = v / v.norm();
  }
  return along >= reproduced * sizes ? along / averaged : std::nan("");
}

}  // namespace reluctance
