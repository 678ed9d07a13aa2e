// Gram matrices of Jacobians.
#pragma once

#include <functional>

#include "reluctance/loss/loss.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {

// K = J P J^T of each sample: N x C x C, float64. The rows of J are centred over the classes for a
// loss that ignores a common shift. P, a projection, is given by its action on K*N rows (K copies
// of the batch); the identity if empty.
Tensor gram_matrices(const Network& network, const Pass& pass, const Loss& loss,
                     const std::function<Tensor(const Tensor&)>& project = {});

}  // namespace reluctance
