#include "reluctance/network/layer.hpp"

namespace reluctance {

Tensors Layer::weights(const Tensor&, const Tensor&, const Site&) const { return {}; }

Tensor Layer::chord(const Tensors&, const Tensors&) const { return {}; }

Tensor Layer::pattern(const Tensor&) const { return {}; }

}  // namespace reluctance
