#include "reluctance/theory/effective_curvature.hpp"

#include <ATen/ATen.h>

#include <Eigen/Eigenvalues>
#include <algorithm>

#include "class_space.hpp"
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
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(factor.transpose() * k * factor);
    const Vector values = f(i, Vector(solver.eigenvalues().cwiseMax(0.0)));
    const Matrix half = factor * solver.eigenvectors();
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

// One sample's L2 attack, as a function of an eigenvalue of P H_x P.
struct L2Gain {
  double mu;                       // ||g|| / radius, on the free pixels
  double eta;                      // alpha / ||g||
  int64_t free_steps, ball_steps;  // before the ball is reached, and on it; none: converged

  double operator()(double lambda) const {
    if (ball_steps + free_steps == 0) return 1 / (mu - lambda);
    const double rho = 1 / (1 + eta * mu);
    double gain = 0;
    for (int64_t t = 0; t < free_steps; ++t) gain += eta * (lambda * gain + 1);
    for (int64_t t = 0; t < ball_steps; ++t) gain = rho * (gain + eta * (lambda * gain + 1));
    return gain;
  }

  // (gain(lambda) - gain(0)) / lambda; a difference over too small a step would be rounding.
  double slope(double lambda) const {
    const double step = std::max(lambda, 1e-5 * mu);
    return ((*this)(step) - (*this)(0)) / step;
  }
};

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
  const Tensor eta =
      (l2.step_size / norms(g).clamp_min(1e-30)).to(at::kCPU, at::kDouble).contiguous();
  const Tangents tangents{free, free_delta / length.unsqueeze(1)};
  const Tensor gram = gram_matrices(network, pass, all.loss(),
                                    [&](const Tensor& rows) { return tangents.project(rows); });
  // Well inside the ball, or with no gradient to follow, the formula says nothing.
  const Tensor on_ball = norms(delta).ge(0.9 * l2.radius).to(at::kCPU);
  Tensor smooth = on_ball.logical_and(mu.gt(0)).contiguous();
  Tensor scale = at::zeros_like(mu);
  const auto steps = std::max<int64_t>(0, static_cast<int64_t>(l2.path.size()) - 1);
  const int64_t free_steps =
      steps > 0 ? std::min(steps, static_cast<int64_t>(l2.radius / l2.step_size + 1e-9)) : 0;
  Tensor middle =
      middle_matrices(gram, factors_of(all, piece), [&](int64_t i, const Vector& lambda) -> Vector {
        const L2Gain gain{mu.data_ptr<double>()[i], eta.data_ptr<double>()[i], free_steps,
                          steps - free_steps};
        bool& is_smooth = smooth.data_ptr<bool>()[i];
        is_smooth = is_smooth && gain.mu > lambda.maxCoeff();
        if (!is_smooth) return Vector::Zero(lambda.size());
        scale.data_ptr<double>()[i] = gain(0);
        return lambda.unaryExpr([&](double each) { return gain.slope(each); });
      });
  return {scale, middle, tangents.free, tangents.radial, smooth};
}

}  // namespace

EffectiveCurvature::EffectiveCurvature(CurvatureSamplesPtr attacked, const AttackResponse& response,
                                       int64_t memory)
    : samples_(std::move(attacked)) {
  const Network& network = samples_->network();
  const Tensors joined = samples_->map([&](const Piece& piece) {
    const PieceParts part = std::holds_alternative<RawResponse>(response)
                                ? raw_parts(*samples_, piece, std::get<RawResponse>(response))
                                : l2_parts(*samples_, piece, std::get<L2Response>(response));
    return Tensors{part.smooth, part.scale, part.middle, part.free, part.radial};
  });
  const auto like_network = [&](const Tensor& t) {
    return t.defined() ? t.to(network.device(), network.dtype()) : t;
  };
  smooth_ = joined[0];
  parts_ = std::make_shared<Parts>(Parts{like_network(joined[1]),
                                         like_network(joined[2]),
                                         {like_network(joined[3]), like_network(joined[4])}});
  const auto* l2 = std::get_if<L2Response>(&response);
  if (!l2 || l2->path.empty() || smooth_.all().item<bool>()) return;
  followed_ = smooth_.logical_not().nonzero().squeeze(1).to(network.device());
  const auto of_these = [&](const Tensor& each) { return each.index_select(0, followed_); };
  std::vector<Tensor> path;
  for (const Tensor& iterate : l2->path) path.push_back(of_these(iterate));
  L2Response followed = *l2;
  followed.clean = of_these(l2->clean);
  followed.path = path;
  path_ = std::make_shared<L2Path>(network, samples_->samples().rows(followed_), samples_->loss(),
                                   followed, memory);
}

LinearOperator EffectiveCurvature::matrix() const {
  const Network& network = samples_->network();
  return {
      network.parameter_count(), network.dtype(), network.device(),
      [samples = samples_, parts = parts_, path = path_](const Tensor& v) {
        const Tensors direction = samples->split(v);
        const Tensor mean = samples->mean([&](const Piece& piece) {
          Gradients own = hessian_vector(*samples, piece, {direction, {}}, Wanted::both);
          const Tensor follow = parts->respond(samples->network(), piece, own.input);
          const Gradients added = hessian_vector(*samples, piece, {{}, follow}, Wanted::parameters);
          for (std::size_t k = 0; k < own.parameters.size(); ++k) {
            own.parameters[k].add_(added.parameters[k]);
          }
          return own.parameters;
        });
        return path ? mean + path->gain(v) / static_cast<double>(samples->count()) : mean;
      }};
}

Tensor EffectiveCurvature::sample_curvatures(const Tensor& v) const {
  const Tensors direction = samples_->split(v);
  Tensor added = samples_->map([&](const Piece& piece) {
    const Tensor u = hessian_vector(*samples_, piece, {direction, {}}, Wanted::input).input;
    const Tensor product = u * parts_->respond(samples_->network(), piece, u);
    return Tensors{product.flatten(1).sum(1, false, at::kDouble)};
  })[0];
  if (path_) added.index_add_(0, followed_, path_->sample_gains(v));
  return reluctance::sample_curvatures(*samples_, v) + added.to(at::kCPU);
}

}  // namespace reluctance
