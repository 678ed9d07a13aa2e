// A perturbation as a displacement of the weights, against the real loss and the real gradient.
#include "reluctance/theory/displacement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "reluctance/measure/training_step.hpp"
#include "theory/random_region.hpp"

namespace reluctance {
namespace {

// The same function with a layer of the identity in front, if no fully connected one reads the
// image.
Network with_first_layer(const Network& network) {
  if (has_first_layer(network)) return network;
  Network result(network.input_shape());
  result.append(reshape_layer({network.inputs()}));
  result.append(linear_layer(), {at::eye(network.inputs(), at::kDouble)});
  const int front = result.append(reshape_layer(network.input_shape()));
  for (const Node& node : network.nodes()) {
    std::vector<int> inputs = node.inputs;
    for (int& each : inputs) each += front + 1;
    result.add(node.layer, inputs, node.tensors, node.trainable);
  }
  return result;
}

class Displacements : public RandomRegion {
 protected:
  Displacements() : subject_(with_first_layer(network())) {
    delta_ = attacked_images(network(), samples_, raw(strength_inside_the_region(3), 3)) - images();
    // Short, so that the first order leads where no gate bounds the region.
    delta_ = delta_ * std::min(1.0, 0.01 / delta_.norm().item<double>());
  }

  Tensor weight() const { return subject_.parameters()[0]; }
  Tensor image(int64_t i) const { return images()[i].flatten(); }
  Tensor moved(int64_t i) const { return delta_[i].flatten(); }

  // DW of sample i.
  Tensor displacement_of(int64_t i) const {
    return at::outer(at::mv(weight(), moved(i)), image(i)) / image(i).dot(image(i));
  }

  Network displaced(const Tensor& by) const {
    Tensors parameters = subject_.parameters();
    parameters[0] = parameters[0] + by;
    Network other = subject_;
    other.set_parameters(parameters);
    return other;
  }

  Tensor gradient_of(const Network& network, int64_t i, double scale) const {
    const Samples there = samples_.with_images(images() + scale * delta_).slice(i, i + 1);
    return first_gradients(network, there, loss())[0];
  }

  Network subject_;
  Tensor delta_;
};

TEST_P(Displacements, OfTheWeightsIsThatOfTheImage) {
  for (int64_t i = 0; i < count; ++i) {
    const Tensor there = images().slice(0, i, i + 1) + delta_.slice(0, i, i + 1);
    EXPECT_LT(relative_error(logits(displaced(displacement_of(i)), images().slice(0, i, i + 1)),
                             logits(subject_, there)),
              1e-12);
  }
}

// What is left out is of second order: a quarter of it for half the perturbation.
TEST_P(Displacements, GiveTheGradientAtTheAttackedImageToFirstOrder) {
  const auto error = [&](int64_t i, double scale) {
    const Displacement found = displacement(network(), samples_, scale * delta_, loss());
    const Tensor predicted =
        at::outer(found.clean[i], image(i)) + at::outer(found.moved[i], scale * moved(i));
    return (predicted - gradient_of(subject_, i, scale)).norm().item<double>();
  };
  for (int64_t i = 0; i < count; ++i) {
    const double rounding = 1e-10 * gradient_of(subject_, i, 0).norm().item<double>();
    const double whole = error(i, 1);
    EXPECT_LE(error(i, 0.5), 0.3 * whole + rounding) << i;
    EXPECT_LE(error(i, 0.25), 0.08 * whole + rounding) << i;
  }
}

TEST_P(Displacements, ShareIsThatOfTheHessiansProduct) {
  // H_WW DW by central differences of the gradient in the displaced weight.
  const Displacement found = displacement(network(), samples_, delta_, loss());
  const Tensor by = displacement_of(0);
  const Tensor curved =
      (gradient_of(displaced(1e-3 * by), 0, 0) - gradient_of(displaced(-1e-3 * by), 0, 0)) / 2e-3;
  const double expected = (curved.norm() / gradient_of(subject_, 0, 0).norm()).item<double>();
  EXPECT_NEAR(found.share[0].item<double>(), expected, 1e-5 * expected);
}

INSTANTIATE_TEST_SUITE_P(Networks, Displacements, all_pairs(), name_of);

TEST(FirstLayer, IsWhatAloneReadsTheImage) {
  at::manual_seed(4);
  const Tensors square = random_weights({6, 6});
  const auto network = [&](bool skips, bool twice) {
    Network net(Shape{6});
    net.append(linear_layer(), square);
    const int hidden = net.append(relu_layer());
    if (skips) net.add(sum_layer(), {hidden, Network::input});
    net.append(linear_layer(), twice ? square : random_weights({6, 6}));
    return net;
  };
  EXPECT_TRUE(has_first_layer(network(false, false)));
  EXPECT_FALSE(has_first_layer(network(true, false)));  // a skip from the image
  EXPECT_FALSE(has_first_layer(network(false, true)));  // a weight of two layers
  Network images(Shape{1, 2, 3});
  images.append(reshape_layer({6}));
  images.append(linear_layer(), square);
  EXPECT_TRUE(has_first_layer(images));
  Network scaled(Shape{6});
  scaled.append(relu_layer());
  scaled.append(linear_layer(), square);
  EXPECT_FALSE(has_first_layer(scaled));
}

}  // namespace
}  // namespace reluctance
