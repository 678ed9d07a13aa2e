// What a real step of training on an attacked image does to the network's gradient in the image.
#pragma once

#include <cstdint>
#include <optional>

#include "reluctance/base/samples.hpp"
#include "reluctance/loss/loss.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// network and samples (inputs of it) in float64; each sample is trained on alone.

// The gradient of the loss in the parameters at each image: N x P.
Tensor parameter_gradients(const Network& network, const Samples& samples, const Loss& loss);

// Their mean: P.
Tensor mean_gradient(const Network& network, const Samples& samples, const Loss& loss);

// Those of the first parameter alone: N x its shape.
Tensor first_gradients(const Network& network, const Samples& samples, const Loss& loss);

struct TrainingStep {
  std::optional<double> rate{};  // none: one that moves the parameters by 1e-7 of their length
  std::optional<std::size_t> parameter{};  // only this one moves; none: all
};

// (J^T u) . (J'^T u - J^T u) / rate at the images of `samples`, J' the Jacobian after one step of
// gradient descent on the loss at `attacked` (N x input shape). u: N x C -> N; NaN where the change
// is lost in rounding.
Tensor measure_training_effects(const Network& network, const Samples& samples,
                                const Tensor& attacked, const Tensor& u, const Loss& loss,
                                const TrainingStep& step = {});

}  // namespace reluctance
