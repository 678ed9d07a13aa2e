#include "autograd/spectrum.hpp"

#include <ATen/ATen.h>
#include <ATen/core/Reduction.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

namespace reluctance::autograd {
namespace {

using torch::autograd::grad;

// The input gradient with its own graph, for double backward.
struct GradientGraph {
  GradientGraph(const Model& network, const Tensor& images, const Tensor& labels)
      : x(images.detach().requires_grad_()), logits(network.logits(x)) {
    const Tensor loss = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum);
    gradient = grad({loss}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  }

  // H v for the Hessian of each sample: N x n -> N x n.
  Tensor hessian_vector(const Tensor& v) const {
    return grad({gradient}, {x}, {v.view_as(x)}, /*retain_graph=*/true)[0].flatten(1);
  }

  Tensor x, logits, gradient;
};

Tensor row_norms(const Tensor& x) { return x.norm(2, 1, /*keepdim=*/true).clamp_min_(1e-30); }

}  // namespace

Tensor dense_spectrum(const Model& network, const Tensor& x, const Tensor& labels) {
  const GradientGraph graph(network, x, labels);
  const int64_t samples = x.size(0);
  const int64_t pixels = x.numel() / samples;
  Tensor hessians = at::empty({samples, pixels, pixels}, x.options());
  Tensor unit = at::zeros({samples, pixels}, x.options());
  for (int64_t row = 0; row < pixels; ++row) {
    unit.select(1, row).fill_(1);
    hessians.select(1, row).copy_(graph.hessian_vector(unit));
    unit.select(1, row).zero_();
  }
  return at::linalg_eigvalsh(hessians).flip(1).slice(1, 0, graph.logits.size(1) - 1);
}

Tensor lanczos_spectrum(const Model& network, const Tensor& x, const Tensor& labels,
                        double tolerance) {
  const GradientGraph graph(network, x, labels);
  const int64_t samples = x.size(0);
  const int64_t pixels = x.numel() / samples;
  const int64_t wanted = graph.logits.size(1) - 1;
  const int64_t most = std::min<int64_t>(pixels, 100);
  Tensor basis = at::empty({samples, most, pixels}, x.options());
  Tensor tridiagonal = at::zeros({samples, most, most}, x.options());
  Tensor v = at::randn({samples, pixels}, x.options());
  v.div_(row_norms(v));
  for (int64_t k = 0;; ++k) {
    basis.select(1, k).copy_(v);
    Tensor w = graph.hessian_vector(v);
    tridiagonal.select(1, k).select(1, k).copy_((w * v).sum(1));
    const Tensor known = basis.slice(1, 0, k + 1);
    for (int pass = 0; pass < 2; ++pass) {  // once is not enough in floating point, twice is
      w = at::baddbmm(w.unsqueeze(1), at::bmm(w.unsqueeze(1), known.transpose(1, 2)), known, 1, -1)
              .squeeze(1);
    }
    const Tensor beta = row_norms(w);
    if (k + 1 >= wanted) {
      const auto [values, vectors] =
          at::linalg_eigh(tridiagonal.slice(1, 0, k + 1).slice(2, 0, k + 1));
      const Tensor residuals = (beta * vectors.select(1, k)).abs().slice(1, k + 1 - wanted);
      const Tensor allowed = tolerance * values.slice(1, k);
      if (k + 1 == most || residuals.le(allowed).all().item<bool>()) {
        return values.slice(1, k + 1 - wanted).flip(1);
      }
    }
    tridiagonal.select(1, k).select(1, k + 1).copy_(beta.squeeze(1));
    tridiagonal.select(1, k + 1).select(1, k).copy_(beta.squeeze(1));
    v = w / beta;
  }
}

Tensor jacobian_spectrum(const Model& network, const Tensor& x) {
  const Tensor leaf = x.detach().requires_grad_();
  const Tensor logits = network.logits(leaf);
  const int64_t classes = logits.size(1);
  Tensors rows;
  Tensor seed = at::zeros_like(logits);
  for (int64_t k = 0; k < classes; ++k) {
    seed.select(1, k).fill_(1);
    rows.push_back(grad({logits}, {leaf}, {seed}, /*retain_graph=*/k + 1 < classes)[0].flatten(1));
    seed.select(1, k).zero_();
  }
  const at::NoGradGuard no_grad;
  const Tensor jacobian = at::stack(rows, 1);
  const Tensor p = at::softmax(logits, 1);
  const Tensor q = p.sqrt();
  const Tensor factor = at::diag_embed(q) - p.unsqueeze(2) * q.unsqueeze(1);
  const Tensor gram = at::bmm(jacobian, jacobian.transpose(1, 2));
  const Tensor small = at::bmm(at::bmm(factor.transpose(1, 2), gram), factor);
  return std::get<0>(at::linalg_eigh(small)).flip(1).slice(1, 0, classes - 1);
}

}  // namespace reluctance::autograd
