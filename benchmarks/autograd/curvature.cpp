#include "autograd/curvature.hpp"

#include <ATen/ATen.h>
#include <ATen/core/Reduction.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

namespace reluctance::autograd {
namespace {

using torch::autograd::grad;

Tensor one_row(const Tensors& parts) {
  Tensors rows;
  for (const Tensor& part : parts) rows.push_back(part.flatten());
  return at::cat(rows);
}

// A copy of the model whose parameters are leaves.
Model taped(const Model& network) {
  Model copy = network;
  for (Tensor& parameter : copy.parameters()) {
    parameter = parameter.detach().clone().requires_grad_();
  }
  return copy;
}

}  // namespace

LinearOperator loss_hessian(const Model& network, const Tensor& images, const Tensor& labels) {
  Model model = taped(network);
  const Tensors leaves = model.parameters();
  const Tensor loss = at::cross_entropy_loss(model.logits(images), labels);
  const Tensors gradient = grad({loss}, leaves, {}, /*retain_graph=*/true, /*create_graph=*/true);
  const int64_t size = one_row(leaves).numel();
  return {size, leaves[0].scalar_type(), at::kCPU, [leaves, gradient](const Tensor& v) {
            Tensors directions;
            int64_t begin = 0;
            for (const Tensor& leaf : leaves) {
              directions.push_back(v.slice(0, begin, begin + leaf.numel()).view(leaf.sizes()));
              begin += leaf.numel();
            }
            return one_row(grad(gradient, leaves, directions, /*retain_graph=*/true));
          }};
}

Tensor power_iteration(const LinearOperator& matrix, int64_t count, int64_t most,
                       double tolerance) {
  Tensors found;
  Tensor values = at::empty({count}, at::kDouble);
  for (int64_t k = 0; k < count; ++k) {
    Tensor v = at::randint(2, {matrix.size}, at::TensorOptions().dtype(matrix.dtype)) * 2 - 1;
    double value = std::nan("");
    for (int64_t iteration = 0; iteration < most; ++iteration) {
      for (const Tensor& known : found) v = v - known * known.dot(v);
      v = v / v.norm();
      const Tensor product = matrix.product(v);
      const double now = product.dot(v).item<double>();
      const bool settled = std::abs(now - value) < tolerance * (std::abs(value) + 1e-6);
      value = now;
      if (settled) break;
      v = product;
    }
    found.push_back(v / v.norm());
    values[k] = value;
  }
  return std::get<0>(values.sort(0, /*descending=*/true));
}

Tensor gradient_norms(const Model& network, const Tensor& images, const Tensor& labels) {
  Model model = taped(network);
  const Tensors leaves = model.parameters();
  Tensor norms = at::empty({images.size(0)}, images.options());
  for (int64_t i = 0; i < images.size(0); ++i) {
    const Tensor loss =
        at::cross_entropy_loss(model.logits(images.slice(0, i, i + 1)), labels.slice(0, i, i + 1));
    Tensor square = at::zeros({}, images.options());
    for (const Tensor& part : grad({loss}, leaves)) square += part.square().sum();
    norms[i].copy_(square.sqrt());
  }
  return norms;
}

Tensor mean_gradient(const Model& network, const Tensor& images, const Tensor& labels) {
  Model model = taped(network);
  const Tensors leaves = model.parameters();
  return one_row(grad({at::cross_entropy_loss(model.logits(images), labels)}, leaves));
}

}  // namespace reluctance::autograd
