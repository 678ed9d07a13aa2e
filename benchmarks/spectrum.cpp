// The spectrum of the input Hessian: class space against double backward and against the same
// insight written with autograd.
#include <ATen/ATen.h>

#include "autograd/spectrum.hpp"
#include "comparison.hpp"
#include "reluctance/base/chunks.hpp"
#include "reluctance/theory/input_spectrum.hpp"
#include "setting.hpp"

namespace reluctance::benchmarks {
namespace {

constexpr int64_t count = 64;
// Differences of eigenvalues are measured by the largest eigenvalue of their sample. Lanczos stops
// at residuals of this size, and has its rounding on top.
constexpr double lanczos_tolerance = 1e-3;

// Where the network is sure of its answer the eigenvalues vanish, and autograd's sums over classes
// leave rounding of about 1e-6 in them; below this size they are compared absolutely.
constexpr double smallest_scale = 1e-2;

struct Problem {
  const Network& network = trained("mlp");
  autograd::Model model{network};
  Samples samples = images_of("test").samples.head(count);
  Tensor x = samples.images;
  Tensor labels = samples.labels;

  Tensor ours() const {
    return map_chunks(chunks_of(network, count), [&](int64_t begin, int64_t end) {
      const LinearRegion region = linear_region(network, samples.slice(begin, end));
      return Tensors{input_spectrum(region).eigenvalues};
    })[0];
  }
};

Operations spectrum_operations(const Network& network) {
  const auto classes = static_cast<double>(network.classes());
  const auto inputs = static_cast<double>(network.inputs());
  return {count * (1 + classes) * forward_operations(network),
          count * 2 * classes * classes * inputs};
}

template <typename Rival>
Sides sides(const Rival& rival, double tolerance) {
  const Problem problem;
  const Tensor expected = rival(problem).to(at::kDouble);
  const Tensor difference = (problem.ours() - expected).abs() /
                            expected.select(1, 0).clamp_min(smallest_scale).unsqueeze(1);
  return {[problem] { problem.ours(); },
          [problem, rival] { rival(problem); },
          {{"eigenvalues / largest", difference.max().item<double>(), tolerance}},
          spectrum_operations(problem.network),
          ""};
}

Tensor dense(const Problem& p) { return autograd::dense_spectrum(p.model, p.x, p.labels); }

Tensor lanczos(const Problem& p) {
  return autograd::lanczos_spectrum(p.model, p.x, p.labels, lanczos_tolerance);
}

// As tools do that know one loss at a time.
Tensor lanczos_one_by_one(const Problem& p) {
  Tensors parts;
  for (int64_t i = 0; i < count; ++i) {
    parts.push_back(autograd::lanczos_spectrum(p.model, p.x.slice(0, i, i + 1),
                                               p.labels.slice(0, i, i + 1), lanczos_tolerance));
  }
  return at::cat(parts);
}

Tensor jacobian(const Problem& p) { return autograd::jacobian_spectrum(p.model, p.x); }

}  // namespace

void add_spectrum_comparisons() {
  add({"spectrum/dense", "64 input spectra, mlp, against dense Hessians by double backward", 200, 5,
       [] { return sides(dense, 1e-3); }});
  add({"spectrum/lanczos", "against Lanczos over double backward, all samples at once", 30, 41,
       [] { return sides(lanczos, 2 * lanczos_tolerance); }});
  add({"spectrum/lanczos-one-by-one", "against the same Lanczos, one sample after the other", 0, 9,
       [] { return sides(lanczos_one_by_one, 2 * lanczos_tolerance); }});
  add({"spectrum/jacobian", "against ten backward passes and a batched 10 x 10 eigenproblem", 2,
       101, [] { return sides(jacobian, 1e-5); }});
}

}  // namespace reluctance::benchmarks
