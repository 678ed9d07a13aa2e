#include "reluctance/measure/accuracy.hpp"

#include <ATen/ATen.h>

#include "reluctance/network/passes.hpp"

namespace reluctance {

Tensor correct(const Network& network, const Tensor& images, const Tensor& labels) {
  return logits(network, images).argmax(1).eq(labels);
}

Share clean_accuracy(const Network& network, const Tensor& images, const Tensor& labels) {
  return share(correct(network, images, labels).sum().item<int64_t>(), images.size(0));
}

RobustAccuracy robust_accuracy(const Network& network, const Tensor& images, const Tensor& labels,
                               const Attack& attack, std::uint64_t seed, const Progress& progress) {
  const int64_t samples = images.size(0);
  const Tensor right = correct(network, images, labels);
  const Tensor attacked = right.nonzero().squeeze(1);
  RobustAccuracy accuracy{
      share(attacked.numel(), samples), {}, {images.clone(), right.logical_not()}, right};
  if (attacked.numel() > 0) {
    const AttackResult fallen =
        run_attack(network, images.index_select(0, attacked), labels.index_select(0, attacked),
                   attack, seed, progress);
    accuracy.result.adversarial.index_copy_(
        0, attacked, fallen.adversarial.view_as(images.index_select(0, attacked)));
    accuracy.result.success.index_copy_(0, attacked, fallen.success);
  }
  accuracy.robust = share(accuracy.result.success.logical_not().sum().item<int64_t>(), samples);
  return accuracy;
}

}  // namespace reluctance
