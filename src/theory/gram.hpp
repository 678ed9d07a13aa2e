// Gram matrices of Jacobians.
#pragma once

#include <functional>

#include "reluctance/network/passes.hpp"

namespace reluctance {

// K = J P J^T of each sample with the rows of J centred over the classes: N x C x C, float64. P, a
// projection, is given by its action on K*N rows (K copies of the batch); the identity if empty.
Tensor centred_gram(const Network& network, const Pass& pass,
                    const std::function<Tensor(const Tensor&)>& project = {});

}  // namespace reluctance
