// The class-space view of the networks against dense Jacobians from autograd, in float64.
#include "reluctance/theory/linear_region.hpp"

#include <gtest/gtest.h>

#include "base/error_of.hpp"
#include "theory/random_region.hpp"

namespace reluctance {
namespace {

class LinearRegions : public RandomRegion {
 protected:
  // The rows of J, N x C x n, by autograd: the logits of a sample depend on its own image alone.
  Tensor dense_jacobians() const {
    const Tensor x = images().clone().requires_grad_();
    const Tensor z = forward(network(), x, Keep::nothing).logits;
    Tensors rows;
    for (int64_t k = 0; k < network().classes(); ++k) {
      rows.push_back(torch::autograd::grad({z.select(1, k).sum()}, {x}, {}, true)[0].flatten(1));
    }
    return at::stack(rows, 1);
  }
};

TEST_P(LinearRegions, GramMatricesAreThoseOfTheJacobians) {
  Tensor j = dense_jacobians();
  // Centred over the classes where the loss does not feel a common shift of the logits.
  if (!squared_error()) j = j - j.mean({1}, true);
  EXPECT_LT(relative_error(region_.gram, at::bmm(j, j.transpose(1, 2))), 1e-12);
}

TEST_P(LinearRegions, CarryTheLogitsAndTheirGradient) {
  const Tensor z = forward(network(), images(), Keep::nothing).logits.requires_grad_();
  EXPECT_EQ(region_.count(), count);
  EXPECT_EQ(region_.classes(), network().classes());
  EXPECT_LT(relative_error(region_.logits, z.detach()), 1e-13);
  const Tensor mean = taped_.mean(z, samples_.labels);
  const Tensor expected = torch::autograd::grad({mean}, {z})[0] * count;
  EXPECT_LT(relative_error(region_.logit_gradient(), expected), 1e-12);
}

TEST_P(LinearRegions, PerturbationsAreJacobiansTransposedTimesCoefficients) {
  const Tensor c = at::randn({count, network().classes()}, at::kDouble);
  const Tensor expected = at::bmm(c.unsqueeze(1), dense_jacobians()).view(images().sizes());
  EXPECT_LT(relative_error(perturbation(network(), region_, c), expected), 1e-12);
  // Coefficients beyond float32 are no trouble to a network in float32.
  const Network single = network().to(at::kFloat);
  const LinearRegion region = linear_region(single, as_inputs(single, samples_), loss());
  const Tensor huge = perturbation(single, region, 1e100 * c);
  EXPECT_TRUE(at::isfinite(huge).all().item<bool>());
  EXPECT_LT(relative_error(huge / 1e100, perturbation(single, region, c)), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Networks, LinearRegions, all_pairs(), name_of);

TEST(LinearRegion, IsRefusedForALossThatTheTheoryDoesNotKnow) {
  const Network& network = shared_networks()[1].network;  // linear
  const Samples samples(random_input(network, 2), at::zeros({2}, at::kLong));
  for (const Loss& loss : {margin_loss(), dlr_loss()}) {
    const std::string message = error_of([&] { linear_region(network, samples, loss); });
    EXPECT_NE(message.find("not the loss '" + loss.name + "'"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace reluctance
