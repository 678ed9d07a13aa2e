#include "reluctance/measure/training_step.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "reluctance/base/each_sample.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

constexpr double short_step = 1e-7;
constexpr double lost = 1e-13;  // of the squared gradient: rounding in float64 and its sums

double length(const Tensors& tensors) {
  double square = 0;
  for (const Tensor& each : tensors) square += each.square().sum().item<double>();
  return std::sqrt(square);
}

Tensors gradient_at(const Network& network, const Samples& sample, const Loss& loss) {
  const Pass pass = forward(network, sample.images, Keep::inputs);
  return weight_gradient(network, pass, loss.gradient(pass.logits, sample.labels));
}

Tensor input_gradient_of(const Network& network, const Tensor& image, const Tensor& u) {
  return vector_jacobian(network, forward(network, image, Keep::gates), u);
}

}  // namespace

Tensor parameter_gradients(const Network& network, const Samples& samples, const Loss& loss) {
  return each_sample(samples, [&](const Samples& sample, int64_t) {
    Tensors flat;
    for (const Tensor& each : gradient_at(network, sample, loss)) {
      flat.push_back(each.flatten());
    }
    return at::cat(flat);
  });
}

Tensor mean_gradient(const Network& network, const Samples& samples, const Loss& loss) {
  Tensor sum = at::zeros({network.parameter_count()}, at::kDouble);
  for (int64_t i = 0; i < samples.count(); ++i) {
    sum += parameter_gradients(network, samples.slice(i, i + 1), loss)[0];
  }
  return sum / samples.count();
}

Tensor first_gradients(const Network& network, const Samples& samples, const Loss& loss) {
  return each_sample(samples, [&](const Samples& sample, int64_t) {
    return gradient_at(network, sample, loss).at(0);
  });
}

Tensor measure_training_effects(const Network& network, const Samples& samples,
                                const Tensor& attacked, const Tensor& u, const Loss& loss,
                                const TrainingStep& step) {
  return each_sample(samples, [&](const Samples& sample, int64_t i) {
    const Tensor direction = u.slice(0, i, i + 1);
    const Samples trained = sample.with_images(attacked.slice(0, i, i + 1));
    Tensors gradients = gradient_at(network, trained, loss);
    Tensors parameters = network.parameters();
    if (step.parameter) {
      for (std::size_t k = 0; k < gradients.size(); ++k) {
        if (k != *step.parameter) gradients[k].zero_();
      }
    }
    const double rate =
        step.rate ? *step.rate : short_step * length(parameters) / length(gradients);
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      parameters[k] = parameters[k] - rate * gradients[k];
    }
    Network after = network;
    after.set_parameters(parameters);
    const Tensor before = input_gradient_of(network, sample.images, direction);
    const Tensor change = input_gradient_of(after, sample.images, direction) - before;
    const Tensor along = (before * change).sum();
    // Biases change nothing at all.
    const Tensor known = along.abs().gt(lost * before.square().sum()).logical_or(along.eq(0));
    return at::where(known, along / rate, at::full_like(along, std::nan("")));
  });
}

}  // namespace reluctance
