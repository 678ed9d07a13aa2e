#include "claims/dynamics_classes.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <sstream>
#include <vector>

#include "reluctance/base/error.hpp"
#include "reluctance/network/layers.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

constexpr int64_t few_classes = 100;
constexpr double without_weight = 1e-6;  // of the probability

// C booleans: whether some sample needs the class.
Tensor needed(const Tensor& logits, const Tensor& labels) {
  const auto [probability, order] = logits.to(at::kDouble).softmax(1).sort(1, /*descending=*/false);
  const Tensor needed = probability.cumsum(1).gt(without_weight);
  const Tensor all = at::zeros_like(needed).scatter(1, order, needed);
  return all.scatter(1, labels.unsqueeze(1), true).any(0);
}

// Of one sample: a basis, Gram matrices and what their products and eigenvectors take besides, and
// Jacobians.
double bytes_of_theory(int64_t classes, int64_t inputs) {
  constexpr double square_matrices = 8;
  constexpr double jacobians = 3;
  const auto c = static_cast<double>(classes);
  return sizeof(double) * c * (square_matrices * c + jacobians * static_cast<double>(inputs));
}

void require_memory(const Network& followed, int64_t classes, int64_t memory) {
  const double bytes =
      bytes_of_theory(followed.classes(), followed.inputs()) * at::get_num_threads();
  if (bytes <= static_cast<double>(memory)) return;
  std::ostringstream text;
  text.precision(3);
  const double gib = 1 << 30;
  text << "claim 1 follows " << followed.classes() << " of " << classes
       << " classes, which hold all but " << without_weight << " of the probability, and takes "
       << bytes / gib << " GiB for one image on each of " << at::get_num_threads()
       << " threads, more than --memory " << static_cast<double>(memory) / gib
       << "; use fewer images, of which the network is surer, fewer --threads or more --memory";
  throw Error(text.str());
}

}  // namespace

Followed followed_classes(const Network& network, const Samples& samples,
                          const DynamicsOptions& options) {
  const int64_t classes = network.classes();
  Followed followed{network, samples, 0};
  if (classes > few_classes) {
    const Tensor kept =
        needed(logits(network, samples.images), samples.labels).nonzero().squeeze(1).to(at::kCPU);
    const std::vector<int64_t> list(kept.data_ptr<int64_t>(),
                                    kept.data_ptr<int64_t>() + kept.size(0));
    followed.network.append(gather_layer(0, list));
    Tensor place = at::zeros({classes}, at::kLong);
    place.index_copy_(0, kept, at::arange(kept.size(0)));
    followed.samples.labels = place.to(samples.labels.device()).index_select(0, samples.labels);
    followed.left_out = classes - kept.size(0);
  }
  require_memory(followed.network, classes, options.memory);
  return followed;
}

}  // namespace reluctance
