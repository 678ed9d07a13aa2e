#include "reluctance/measure/accuracy.hpp"

#include <ATen/ATen.h>

#include "reluctance/network/passes.hpp"

namespace reluctance {

Tensor correct(const Network& network, const Samples& samples) {
  return logits(network, samples.images).argmax(1).eq(samples.labels);
}

Share clean_accuracy(const Network& network, const Samples& samples) {
  return share(correct(network, samples).sum().item<int64_t>(), samples.count());
}

Share robust_accuracy(const Network& network, const Samples& samples, const Attack& attack,
                      const Context& context) {
  return run_ensemble(network, samples, {{attack}}, {context, {}, {}}).robust;
}

}  // namespace reluctance
