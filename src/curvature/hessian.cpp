#include "reluctance/curvature/hessian.hpp"

#include <ATen/ATen.h>

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
  return samples
      .map([&](const Piece& piece) {
        const Tangent moved = tangent(samples.network(), piece.primal.pass, {direction, {}});
        return Tensors{terms(piece, moved).sum(1, false, at::kDouble).to(at::kCPU)};
      })
      .at(0);
}

}  // namespace

Gradients hessian_vector(const CurvatureSamples& samples, const Piece& piece,
                         const Direction& direction, Wanted wanted) {
  const Network& network = samples.network();
  const Tangent moved = tangent(network, piece.primal.pass, direction);
  const Tensor s_dot = samples.loss().hessian_vector(piece.primal.pass.logits, moved.logits);
  return gradient_tangent(network, piece.primal, moved, s_dot, wanted);
}

LinearOperator loss_hessian(CurvatureSamplesPtr samples) {
  const CurvatureSamples& all = *samples;
  return averaged(std::move(samples), [&all](const Piece& piece, const Tensors& v) {
    return hessian_vector(all, piece, {v, {}}, Wanted::parameters).parameters;
  });
}

LinearOperator gauss_newton(CurvatureSamplesPtr samples) {
  const CurvatureSamples& all = *samples;
  return averaged(std::move(samples), [&all](const Piece& piece, const Tensors& v) {
    const Pass& pass = piece.primal.pass;
    const Tensor moved = tangent(all.network(), pass, {v, {}}).logits;
    return weight_gradient(all.network(), pass, all.loss().hessian_vector(pass.logits, moved));
  });
}

Tensor sample_curvatures(const CurvatureSamples& samples, const Tensor& v) {
  return summed_by_sample(samples, v, [&](const Piece& piece, const Tangent& moved) {
    const Pass& pass = piece.primal.pass;
    const Loss& loss = samples.loss();
    const Tensor s = loss.gradient(pass.logits, piece.samples.labels);
    return moved.logits * loss.hessian_vector(pass.logits, moved.logits) +
           s * second_tangent(samples.network(), pass, moved);
  });
}

Tensor sample_gauss_newton(const CurvatureSamples& samples, const Tensor& v) {
  return summed_by_sample(samples, v, [&](const Piece& piece, const Tangent& moved) {
    return moved.logits * samples.loss().hessian_vector(piece.primal.pass.logits, moved.logits);
  });
}

Tensor loss_gradient(const CurvatureSamples& samples) {
  return samples.mean([&](const Piece& piece) {
    const Pass& pass = piece.primal.pass;
    const Tensor s = samples.loss().gradient(pass.logits, piece.samples.labels);
    return weight_gradient(samples.network(), pass, s);
  });
}

}  // namespace reluctance
