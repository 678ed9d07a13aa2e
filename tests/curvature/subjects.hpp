// What tests of curvature and of the theory compare with: the losses as autograd knows them, and
// dense matrices.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "network/random_networks.hpp"
#include "relative_error.hpp"
#include "reluctance/curvature/operator.hpp"
#include "reluctance/loss/loss.hpp"

namespace reluctance {

inline Tensor one_row(const Tensors& parts) {
  Tensors rows;
  for (const Tensor& part : parts) rows.push_back(part.flatten());
  return at::cat(rows);
}

// A loss beside the same function in operators that autograd records.
struct TapedLoss {
  std::string name;  // as part of a test's name
  Loss loss;
  std::function<Tensor(const Tensor& logits, const Tensor& labels)> mean;
};

inline const std::vector<TapedLoss>& taped_losses() {
  const auto smoothed = [](double smoothing) {
    return [=](const Tensor& z, const Tensor& y) {
      return at::cross_entropy_loss(z, y, {}, at::Reduction::Mean, -100, smoothing);
    };
  };
  static const std::vector<TapedLoss> list{
      {"cross_entropy", cross_entropy_loss(), smoothed(0)},
      {"smoothed_cross_entropy", cross_entropy_loss(0.1), smoothed(0.1)},
      {"squared_error", squared_error_loss(),
       [](const Tensor& z, const Tensor& y) {
         return (z - at::one_hot(y, z.size(1))).square().sum(1).mean() / 2;
       }},
  };
  return list;
}

// H_z v of each sample by double backward. v: N x C.
inline Tensor taped_logit_hessian(const TapedLoss& taped, const Tensor& logits,
                                  const Tensor& labels, const Tensor& v) {
  using torch::autograd::grad;
  const Tensor z = logits.detach().clone().requires_grad_();
  const Tensor gradient = grad({taped.mean(z, labels)}, {z}, {}, true, true)[0];
  return grad({(gradient * v).sum()}, {z})[0] * z.size(0);
}

// The networks of networks_in_double(), built once. Their tensors are shared.
inline const std::vector<NamedNetwork>& shared_networks() {
  static const std::vector<NamedNetwork> list = networks_in_double();
  return list;
}

// A network and a loss, by their places in the lists above.
using NetworkAndLoss = std::tuple<std::size_t, std::size_t>;

inline const NamedNetwork& network_of(const NetworkAndLoss& pair) {
  return shared_networks().at(std::get<0>(pair));
}
inline const TapedLoss& loss_of(const NetworkAndLoss& pair) {
  return taped_losses().at(std::get<1>(pair));
}

inline std::string name_of(const testing::TestParamInfo<NetworkAndLoss>& each) {
  return network_of(each.param).name + "_" + loss_of(each.param).name;
}

// Every network with every loss.
inline auto all_pairs() {
  return testing::Combine(testing::Range<std::size_t>(0, network_count),
                          testing::Range<std::size_t>(0, 3));
}

inline LinearOperator dense(const Tensor& matrix) {
  return {matrix.size(0), at::kDouble, at::kCPU,
          [matrix](const Tensor& v) { return at::mv(matrix, v); }};
}

// A symmetric matrix with the given eigenvalues.
inline Tensor with_eigenvalues(const Tensor& values) {
  at::manual_seed(2);
  const int64_t size = values.size(0);
  const Tensor q = std::get<0>(at::linalg_qr(at::randn({size, size}, at::kDouble)));
  return at::mm(q * values, q.t());
}

}  // namespace reluctance
