#include "reluctance/theory/effective_curvature.hpp"

#include <ATen/ATen.h>

#include "class_space.hpp"
#include "curvature/dense.hpp"
#include "gram.hpp"
#include "growth.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/geometry/norm.hpp"
#include "theory/l2_path.hpp"

namespace reluctance {
namespace {

using Piece = CurvatureSamples::Piece;

Tensor norms(const Tensor& x) { return x.flatten(1).norm(2, 1); }

// What an attack on the ball may do: its free pixels and its radial direction, for K*N samples.
struct Tangents {
  Tensor free;    // N x ..., 0 or 1; undefined: all
  Tensor radial;  // N x ..., of unit length; undefined: none

  Tensor project(const Tensor& u) const {
    if (!radial.defined()) return u;
    const int64_t copies = u.size(0) / radial.size(0);
    Tensor v = u.view({copies, radial.size(0), -1});
    v = v * free.flatten(1);
    const Tensor along = (v * radial.flatten(1)).sum(2, /*keepdim=*/true);
    return (v - along * radial.flatten(1)).view(u.sizes());
  }
};

}  // namespace

struct EffectiveCurvature::Parts {
  Tensor scale;   // a: N
  Tensor middle;  // Q: N x C x C
  Tangents tangents;

  // S u for the samples of a piece.
  Tensor respond(const Network& network, const Piece& piece, const Tensor& u) const {
    const auto part = [&](const Tensor& all) {
      return all.defined() ? all.slice(0, piece.begin, piece.end) : all;
    };
    const Tangents here{part(tangents.free), part(tangents.radial)};
    const Tensor inside = here.project(u);
    const Tensor z = jacobian_vector(network, piece.primal.pass, inside);
    const Tensor c = at::bmm(part(middle), z.unsqueeze(2)).squeeze(2);
    const Tensor back = vector_jacobian(network, piece.primal.pass, c);
    return inside * per_sample(part(scale), inside) + here.project(back);
  }
};

namespace {

// Q = B f(M) B^T for M = B^T K B, eigenvalue by eigenvalue; `f` gets the sample and its spectrum.
template <typename Function>
Tensor middle_matrices(const Tensor& gram, const Tensor& factors, const Function& f) {
  Tensor middle = at::zeros_like(gram);
  for_each_sample(gram.size(0), [&](int64_t i) {
    const Matrix factor = matrix_of(factors, i);
    const auto k = matrix_of(gram, i);
    const SymmetricEigen eigen = symmetric_eigen(factor.transpose() * k * factor);
    const Vector values = f(i, Vector(eigen.values.cwiseMax(0.0)));
    const Matrix half = factor * eigen.vectors;
    matrix_of(middle, i) = half * values.asDiagonal() * half.transpose();
  });
  return middle;
}

struct PieceParts {
  Tensor scale, middle, free, radial, smooth;
};

Tensor factors_of(const CurvatureSamples& samples, const Piece& piece) {
  return samples.loss().hessian_factor(piece.primal.pass.logits.to(at::kCPU, at::kDouble));
}

PieceParts raw_parts(const CurvatureSamples& all, const Piece& piece, const RawResponse& raw) {
  const Tensor gram = gram_matrices(all.network(), piece.primal.pass, all.loss());
  const Tensor factors = factors_of(all, piece);
  const int64_t samples = gram.size(0);
  Tensor middle = middle_matrices(gram, factors, [&](int64_t, const Vector& lambda) -> Vector {
    return lambda.unaryExpr([&](double each) { return chi_steps(each, raw.beta, raw.steps); });
  });
  return {
      at::full({samples}, raw.beta, at::kDouble), middle, {}, {}, at::ones({samples}, at::kBool)};
}

// A converged attack.
PieceParts l2_parts(const CurvatureSamples& all, const Piece& piece, const L2Response& l2) {
  const Network& network = all.network();
  const Pass& pass = piece.primal.pass;
  const Tensor x = piece.samples.images.flatten(1);
  const Tensor delta = x - l2.clean.slice(0, piece.begin, piece.end).reshape(x.sizes());
  const Tensor s = all.loss().gradient(pass.logits, piece.samples.labels);
  const Tensor g = vector_jacobian(network, pass, s).reshape(x.sizes());
  Tensor held = at::zeros_like(x, x.options().dtype(at::kBool));
  if (l2.pixel_box) {
    held = x.le(0).logical_and(g.lt(0)).logical_or_(x.ge(1).logical_and(g.gt(0)));
  }
  const Tensor free = held.logical_not().to(x.dtype());
  const Tensor free_delta = delta * free;
  const Tensor length = norms(free_delta).clamp_min(1e-30);
  const Tensor mu = (norms(g * free) / length).to(at::kCPU, at::kDouble).contiguous();
  const Tangents tangents{free, free_delta / length.unsqueeze(1)};
  const Tensor gram = gram_matrices(network, pass, all.loss(),
                                    [&](const Tensor& rows) { return tangents.project(rows); });
  // Well inside the ball, or with no gradient to follow, the formula says nothing.
  const Tensor on_ball = norms(delta).ge(0.9 * l2.radius).to(at::kCPU);
  Tensor smooth = on_ball.logical_and(mu.gt(0)).contiguous();
  Tensor scale = at::zeros_like(mu);
  Tensor middle =
      middle_matrices(gram, factors_of(all, piece), [&](int64_t i, const Vector& lambda) -> Vector {
        const double each_mu = mu.data_ptr<double>()[i];
        bool& is_smooth = smooth.data_ptr<bool>()[i];
        is_smooth = is_smooth && each_mu > lambda.maxCoeff();
        if (!is_smooth) return Vector::Zero(lambda.size());
        scale.data_ptr<double>()[i] = 1 / each_mu;
        return (each_mu * (each_mu - lambda.array())).inverse();
      });
  return {scale, middle, tangents.free, tangents.radial, smooth};
}

}  // namespace

EffectiveCurvature::EffectiveCurvature(CurvatureSamplesPtr attacked, const AttackResponse& response,
                                       int64_t memory)
    : samples_(std::move(attacked)) {
  const Network& network = samples_->network();
  const auto* l2 = std::get_if<L2Response>(&response);
  const bool follows = l2 && !l2->path.empty();
  const Tensors joined = samples_->map([&](const Piece& piece) {
    const PieceParts part = std::holds_alternative<RawResponse>(response)
                                ? raw_parts(*samples_, piece, std::get<RawResponse>(response))
                                : l2_parts(*samples_, piece, std::get<L2Response>(response));
    if (follows) return Tensors{part.smooth};
    return Tensors{part.smooth, part.scale, part.middle, part.free, part.radial};
  });
  const auto like_network = [&](const Tensor& t) {
    return t.defined() ? t.to(network.device(), network.dtype()) : t;
  };
  smooth_ = joined[0];
  if (follows) {
    path_ = std::make_shared<L2Path>(samples_, *l2, memory);
    return;
  }
  parts_ = std::make_shared<Parts>(Parts{like_network(joined[1]),
                                         like_network(joined[2]),
                                         {like_network(joined[3]), like_network(joined[4])}});
}

LinearOperator EffectiveCurvature::matrix() const {
  const Network& network = samples_->network();
  LinearOperator result{network.parameter_count(), network.dtype(), network.device(), {}};
  if (path_) {
    result.product = [path = path_](const Tensor& v) { return path->curvature(v); };
    result.symmetric = false;
    return result;
  }
  result.product = [samples = samples_, parts = parts_](const Tensor& v) {
    const Tensors direction = samples->split(v);
    return samples->mean([&](const Piece& piece) {
      Gradients own = hessian_vector(*samples, piece, {direction, {}}, Wanted::both);
      const Tensor follow = parts->respond(samples->network(), piece, own.input);
      const Gradients added = hessian_vector(*samples, piece, {{}, follow}, Wanted::parameters);
      for (std::size_t k = 0; k < own.parameters.size(); ++k) {
        own.parameters[k].add_(added.parameters[k]);
      }
      return own.parameters;
    });
  };
  return result;
}

Tensor EffectiveCurvature::sample_curvatures(const Tensor& v) const {
  const Tensors direction = samples_->split(v);
  const Tensor followed = path_ ? path_->forward(v) : Tensor();
  const Tensor added = samples_->map([&](const Piece& piece) {
    const Tensor u = hessian_vector(*samples_, piece, {direction, {}}, Wanted::input).input;
    const Tensor follow = path_ ? followed.slice(0, piece.begin, piece.end).view(u.sizes())
                                : parts_->respond(samples_->network(), piece, u);
    return Tensors{(u * follow).flatten(1).sum(1, false, at::kDouble)};
  })[0];
  return reluctance::sample_curvatures(*samples_, v) + added.to(at::kCPU);
}

}  // namespace reluctance
