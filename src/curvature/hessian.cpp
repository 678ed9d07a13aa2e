#include "reluctance/curvature/hessian.hpp"

#include <ATen/ATen.h>

#include "reluctance/loss/cross_entropy.hpp"

namespace reluctance {
namespace {

using Piece = CurvatureSamples::Piece;

LinearOperator averaged(CurvatureSamplesPtr samples,
                        std::function<Tensors(const Piece&, const Tensors& v)> product) {
  const Network& network = samples->network();
  return {network.parameter_count(), network.dtype(), network.device(),
          [samples, product = std::move(product)](const Tensor& v) {
            const Tensors direction = samples->split(v);
            return samples->mean([&](const Piece& piece) { return product(piece, direction); });
          }};
}

// Sums over the classes of what `terms` gives (N x C) for each piece and its tangent along v.
template <typename Terms>
Tensor summed_by_sample(const CurvatureSamples& samples, const Tensor& v, const Terms& terms) {
  const Tensors direction = samples.split(v);
  Tensor result = at::empty({samples.count()}, v.options().dtype(at::kDouble));
  samples.for_each([&](const Piece& piece) {
    const Tangent moved = tangent(samples.network(), piece.primal.pass, {direction, {}});
    result.slice(0, piece.begin, piece.end)
        .copy_(terms(piece, direction, moved).sum(1, false, at::kDouble));
  });
  return result.to(at::kCPU);
}

}  // namespace

Gradients hessian_vector(const Network& network, const Piece& piece, const Direction& direction,
                         Wanted wanted) {
  const Tangent moved = tangent(network, piece.primal.pass, direction);
  const Tensor s_dot = logit_hessian_vector(piece.primal.pass.logits, moved.logits);
  return gradient_tangent(network, piece.primal, direction, moved, s_dot, wanted);
}

LinearOperator loss_hessian(CurvatureSamplesPtr samples) {
  const CurvatureSamples& all = *samples;
  return averaged(std::move(samples), [&all](const Piece& piece, const Tensors& v) {
    return hessian_vector(all.network(), piece, {v, {}}, Wanted::parameters).parameters;
  });
}

LinearOperator gauss_newton(CurvatureSamplesPtr samples) {
  const CurvatureSamples& all = *samples;
  return averaged(std::move(samples), [&all](const Piece& piece, const Tensors& v) {
    const Pass& pass = piece.primal.pass;
    const Tensor moved = tangent(all.network(), pass, {v, {}}).logits;
    return weight_gradient(all.network(), pass, logit_hessian_vector(pass.logits, moved));
  });
}

Tensor sample_curvatures(const CurvatureSamples& samples, const Tensor& v) {
  return summed_by_sample(samples, v,
                          [&](const Piece& piece, const Tensors& direction, const Tangent& moved) {
                            const Pass& pass = piece.primal.pass;
                            const Tensor s = logit_gradient(pass.logits, piece.labels);
                            return moved.logits * logit_hessian_vector(pass.logits, moved.logits) +
                                   s * second_tangent(samples.network(), pass, direction, moved);
                          });
}

Tensor sample_gauss_newton(const CurvatureSamples& samples, const Tensor& v) {
  return summed_by_sample(samples, v, [](const Piece& piece, const Tensors&, const Tangent& moved) {
    return moved.logits * logit_hessian_vector(piece.primal.pass.logits, moved.logits);
  });
}

Tensor loss_gradient(const CurvatureSamples& samples) {
  return samples.mean([&](const Piece& piece) {
    const Pass& pass = piece.primal.pass;
    return weight_gradient(samples.network(), pass, logit_gradient(pass.logits, piece.labels));
  });
}

}  // namespace reluctance
