// Eigenvalues of the parameter Hessian and per-sample gradient norms.
#include <ATen/ATen.h>

#include "autograd/curvature.hpp"
#include "comparison.hpp"
#include "reluctance/base/chunks.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "setting.hpp"

namespace reluctance::benchmarks {
namespace {

constexpr int64_t count = 1000;
constexpr int64_t top = 5;
// Of eigenvalues. Lanczos stops at residuals of 1e-2, which leave errors of the square of that.
constexpr double tolerance = 1e-3;
constexpr double residual = 1e-2;

struct Problem {
  explicit Problem(const std::string& architecture) : network(trained(architecture)) {}

  const Network& network;
  autograd::Model model{network};
  Samples samples = images_of("test").samples.head(count);

  LinearOperator ours() const {
    return loss_hessian(std::make_shared<CurvatureSamples>(network, samples, cross_entropy_loss()));
  }
};

Eigenpairs eigenpairs(const LinearOperator& matrix) {
  EigenpairOptions options;
  options.count = top;
  options.tolerance = residual;
  return top_eigenpairs(matrix, options);
}

double largest_difference(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected).abs() / expected.abs()).max().item<double>();
}

// Forward and reverse sweeps of the primal pass once; then six products with the weights each, but
// the first layer, whose input does not move and needs no gradient, takes two.
Operations eigenvalue_operations(const Network& network, int64_t products) {
  const double pass = forward_operations(network);
  const double each = 6 * pass - 4 * first_layer_operations(network);
  return {count * (2 * pass + static_cast<double>(products) * each), 0};
}

Sides against_lanczos(const std::string& architecture) {
  const Problem problem(architecture);
  const Eigenpairs found = eigenpairs(problem.ours());
  const auto rival = [problem] {
    return eigenpairs(
        autograd::loss_hessian(problem.model, problem.samples.images, problem.samples.labels));
  };
  return {[problem] { eigenpairs(problem.ours()); },
          [rival] { rival(); },
          {{"eigenvalues", largest_difference(found.values, rival().values), 1e-4}},
          eigenvalue_operations(problem.network, found.products),
          std::to_string(found.products) + " products"};
}

// Power iteration stops at a change of 1e-3, so it reads low by some of it.
Sides against_power_iteration(const std::string& architecture) {
  const Problem problem(architecture);
  const Eigenpairs found = eigenpairs(problem.ours());
  const auto rival = [problem] {
    at::manual_seed(1);
    return autograd::power_iteration(
        autograd::loss_hessian(problem.model, problem.samples.images, problem.samples.labels), top,
        100, tolerance);
  };
  return {[problem] { eigenpairs(problem.ours()); },
          [rival] { rival(); },
          {{"eigenvalues", largest_difference(rival(), found.values), 0.05}},
          eigenvalue_operations(problem.network, found.products),
          std::to_string(found.products) + " products"};
}

Tensor norms(const Problem& problem) {
  const Network& network = problem.network;
  return map_chunks(chunks_of(network, count), [&](int64_t begin, int64_t end) {
    const Samples part = problem.samples.slice(begin, end);
    const Pass pass = forward(network, part.images, Keep::inputs);
    const Tensor s = logit_gradient(pass.logits, part.labels);
    return Tensors{squared_gradient_norms(network, pass, s).sqrt()};
  })[0];
}

// Norms below this share of the largest are autograd's rounding of 1 - p.
Difference norm_difference(const Problem& problem) {
  const Tensor expected =
      autograd::gradient_norms(problem.model, problem.samples.images, problem.samples.labels)
          .to(at::kDouble);
  const double floor = 1e-3 * expected.max().item<double>();
  return {"norms",
          ((norms(problem) - expected).abs() / expected.clamp_min(floor)).max().item<double>(),
          1e-3};
}

Operations norm_operations(const Problem& problem) {
  const Network& network = problem.network;
  return {count * (2 * forward_operations(network) - first_layer_operations(network)), 0};
}

Sides norms_against_loop(const std::string& architecture) {
  const Problem problem(architecture);
  return {[problem] { norms(problem); },
          [problem] {
            autograd::gradient_norms(problem.model, problem.samples.images, problem.samples.labels);
          },
          {norm_difference(problem)},
          norm_operations(problem),
          ""};
}

Sides norms_against_gradient(const std::string& architecture) {
  const Problem problem(architecture);
  return {[problem] { norms(problem); },
          [problem] {
            autograd::mean_gradient(problem.model, problem.samples.images, problem.samples.labels);
          },
          {norm_difference(problem)},
          norm_operations(problem),
          ""};
}

}  // namespace

void add_curvature_comparisons() {
  for (const std::string architecture : {"mlp", "cnn"}) {
    const bool mlp = architecture == "mlp";
    add({"curvature/" + architecture + "-power",
         "top 5 eigenvalues of the parameter Hessian, 1,000 samples, " + architecture +
             ", against power iteration over double backward",
         8, 5, [architecture] { return against_power_iteration(architecture); }});
    add({"curvature/" + architecture + "-lanczos", "against the same Lanczos over double backward",
         2.5, 9, [architecture] { return against_lanczos(architecture); }});
    add({"norms/" + architecture + "-loop",
         "gradient norms of 1,000 samples, " + architecture + ", against one backward each",
         mlp ? 15.0 : 4.0, 9, [architecture] { return norms_against_loop(architecture); }});
    add({"norms/" + architecture + "-gradient",
         "against one batched gradient, which has no norms of samples", 0.5, 21,
         [architecture] { return norms_against_gradient(architecture); }});
  }
}

}  // namespace reluctance::benchmarks
