// Losses as values: what each says of the logits, against autograd, in float64.
#include "reluctance/loss/loss.hpp"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "base/error_of.hpp"
#include "reluctance/loss/dlr.hpp"

namespace reluctance {
namespace {

using torch::autograd::grad;

constexpr int64_t count = 12;
constexpr int64_t classes = 5;

// A loss that is trained on, and its definition in operators that autograd knows.
struct Trained {
  std::string name;
  Loss loss;
  std::function<Tensor(const Tensor& logits, const Tensor& labels)> definition;
};

Tensor indicator(const Tensor& labels) { return at::one_hot(labels, classes).to(at::kDouble); }

Trained cross_entropy_of(double smoothing) {
  return {smoothing == 0 ? "CrossEntropy" : "SmoothedCrossEntropy", cross_entropy_loss(smoothing),
          [=](const Tensor& z, const Tensor& y) {
            const Tensor wanted = (1 - smoothing) * indicator(y) + smoothing / classes;
            return -(wanted * at::log_softmax(z, 1)).sum(1);
          }};
}

Trained squared_error() {
  return {"SquaredError", squared_error_loss(), [](const Tensor& z, const Tensor& y) {
            return 0.5 * (z - indicator(y)).square().sum(1);
          }};
}

// Towards targets an attack raises minus the loss that these would have as labels.
TEST(AttackedLoss, FallsTowardsTargets) {
  at::manual_seed(8);
  const Tensor logits = at::randn({count, classes}, at::kDouble);
  const Samples samples(at::zeros({count, 1}), at::randint(classes, {count}, at::kLong));
  for (const Loss& loss : {cross_entropy_loss(), squared_error_loss(), margin_loss(), dlr_loss()}) {
    const LossAt any = loss.attacked(logits, samples);
    EXPECT_TRUE(at::equal(any.value, loss.value(logits, samples.labels))) << loss.name;
    EXPECT_TRUE(at::equal(any.gradient, loss.gradient(logits, samples.labels))) << loss.name;
    const LossAt towards = loss.attacked(logits, samples.towards(3));
    const Tensor three = at::full_like(samples.labels, 3);
    EXPECT_TRUE(at::equal(towards.value, -loss.value(logits, three))) << loss.name;
    EXPECT_TRUE(at::equal(towards.gradient, -loss.gradient(logits, three))) << loss.name;
  }
}

class TrainedLoss : public testing::TestWithParam<Trained> {
 protected:
  // Random logits from flat to nearly certain.
  template <typename Body>
  void for_each_scale(const Body& body) const {
    for (double scale : {0.0, 1.0, 5.0, 15.0}) {
      at::manual_seed(7);
      const Tensor logits = at::randn({count, classes}, at::kDouble) * scale;
      body(logits, at::randint(classes, {count}, at::kLong));
    }
  }
  const Loss& loss() const { return GetParam().loss; }
  Tensor definition(const Tensor& z, const Tensor& y) const { return GetParam().definition(z, y); }
};

TEST_P(TrainedLoss, ValueAndGradientEqualAutograd) {
  for_each_scale([&](const Tensor& logits, const Tensor& labels) {
    const Tensor z = logits.clone().requires_grad_();
    const Tensor expected = definition(z, labels);
    const LossAt at = loss().at(logits, labels, {});
    EXPECT_TRUE(at::allclose(at.value, expected, 1e-12, 1e-12));
    EXPECT_TRUE(at::allclose(at.gradient, grad({expected.sum()}, {z})[0], 1e-12, 1e-12));
    EXPECT_TRUE(at::equal(loss().value(logits, labels), at.value));
    EXPECT_TRUE(at::equal(loss().gradient(logits, labels), at.gradient));
  });
}

TEST_P(TrainedLoss, HessianVectorEqualsDoubleBackward) {
  for_each_scale([&](const Tensor& logits, const Tensor& labels) {
    const Tensor v = at::randn({count, classes}, at::kDouble);
    const Tensor z = logits.clone().requires_grad_();
    const Tensor gradient = grad({definition(z, labels).sum()}, {z}, {}, true, true)[0];
    const Tensor expected = grad({(gradient * v).sum()}, {z})[0];
    EXPECT_TRUE(at::allclose(loss().hessian_vector(logits, v), expected, 1e-12, 1e-12));
  });
}

TEST_P(TrainedLoss, FactorTimesItsTransposeIsTheHessian) {
  for_each_scale([&](const Tensor& logits, const Tensor&) {
    const Tensor v = at::randn({count, classes}, at::kDouble);
    const Tensor factor = loss().hessian_factor(logits);
    ASSERT_EQ(factor.sizes(), (at::IntArrayRef{count, classes, classes}));
    const Tensor product =
        at::bmm(factor, at::bmm(factor.transpose(1, 2), v.unsqueeze(2))).squeeze(2);
    EXPECT_TRUE(at::allclose(product, loss().hessian_vector(logits, v), 1e-12, 1e-12));
  });
}

TEST_P(TrainedLoss, OneSamplesGradientIsTheRowOfAll) {
  for_each_scale([&](const Tensor& logits, const Tensor& labels) {
    const Tensor gradient = loss().gradient(logits, labels);
    for (int64_t i = 0; i < count; ++i) {
      Tensor s = at::empty({classes}, at::kDouble);
      loss().sample_gradient(logits[i].data_ptr<double>(), classes, labels[i].item<int64_t>(),
                             s.data_ptr<double>());
      EXPECT_LT((s - gradient[i]).abs().max().item<double>(), 1e-14) << i;
    }
  });
}

// What the theory concludes from: where no shift of all logits counts, s sums to zero and the
// Hessian does not see such a shift; elsewhere both fail.
TEST_P(TrainedLoss, SaysWhetherItIgnoresShifts) {
  for_each_scale([&](const Tensor& logits, const Tensor& labels) {
    const double moved = (loss().value(logits + 3, labels) - loss().value(logits, labels))
                             .abs()
                             .max()
                             .item<double>();
    const double sum = loss().gradient(logits, labels).sum(1).abs().max().item<double>();
    const double seen =
        loss().hessian_vector(logits, at::ones_like(logits)).abs().max().item<double>();
    EXPECT_EQ(loss().ignores_shift, moved < 1e-10);
    EXPECT_EQ(loss().ignores_shift, sum < 1e-10);
    EXPECT_EQ(loss().ignores_shift, seen < 1e-10);
  });
}

TEST_P(TrainedLoss, KeepsTheDtypeOfTheLogits) {
  const Tensor logits = at::randn({count, classes});
  const Tensor labels = at::randint(classes, {count}, at::kLong);
  const LossAt at = loss().at(logits, labels, {});
  EXPECT_EQ(at.value.scalar_type(), at::kFloat);
  EXPECT_EQ(at.gradient.scalar_type(), at::kFloat);
  EXPECT_EQ(loss().hessian_vector(logits, logits).scalar_type(), at::kFloat);
  EXPECT_EQ(loss().hessian_factor(logits).scalar_type(), at::kFloat);
}

TEST_P(TrainedLoss, IsKnownToTheTheory) { EXPECT_NO_THROW(require_known_to_theory(loss())); }

INSTANTIATE_TEST_SUITE_P(All, TrainedLoss,
                         testing::Values(cross_entropy_of(0), cross_entropy_of(0.1),
                                         squared_error()),
                         [](const auto& each) { return each.param.name; });

struct Logits {
  Tensor z, labels, targets;
};

// Three samples by hand: answered right, answered wrong, and a draw of the others.
Logits by_hand() {
  return {at::tensor({3.0, 1.0, 2.5, -1.0,  //
                      0.5, -2.0, 4.0, 1.0,  //
                      -1.0, 7.0, -1.0, 2.0},
                     at::kDouble)
              .view({3, 4}),
          at::tensor({0, 1, 1}, at::kLong), at::tensor({3, 0, 2}, at::kLong)};
}

Tensor rows_of_four(const std::vector<double>& numbers) {
  return at::tensor(numbers, at::kDouble).view({-1, 4});
}

TEST(MarginLoss, IsTheGapToTheNextClass) {
  const auto [z, labels, targets] = by_hand();
  const LossAt at = margin_loss().at(z, labels, {});
  EXPECT_TRUE(at::equal(at.value, at::tensor({-0.5, 6.0, -5.0}, at::kDouble)));
  EXPECT_TRUE(at::equal(at.gradient, rows_of_four({-1, 0, 1, 0,  //
                                                   0, -1, 1, 0,  //
                                                   0, -1, 0, 1})));
}

TEST(MarginLoss, IsTheGapToItsTarget) {
  const auto [z, labels, targets] = by_hand();
  const LossAt at = margin_loss().at(z, labels, targets);
  EXPECT_TRUE(at::equal(at.value, at::tensor({-4.0, 2.5, -8.0}, at::kDouble)));
  EXPECT_TRUE(at::equal(at.gradient, rows_of_four({-1, 0, 0, 1,  //
                                                   1, -1, 0, 0,  //
                                                   0, -1, 1, 0})));
}

TEST(DlrLoss, IsTargetedWhereThereAreTargets) {
  const auto [z, labels, targets] = by_hand();
  EXPECT_TRUE(at::equal(dlr_loss().at(z, labels, {}).value, dlr(z, labels).value));
  EXPECT_TRUE(
      at::equal(dlr_loss().at(z, labels, targets).value, targeted_dlr(z, labels, targets).value));
  EXPECT_FALSE(at::equal(dlr(z, labels).value, targeted_dlr(z, labels, targets).value));
}

TEST(LossNames, LeadBackToTheirLosses) {
  const auto [z, labels, targets] = by_hand();
  for (const Loss& loss : {cross_entropy_loss(), squared_error_loss(), margin_loss(), dlr_loss()}) {
    const Loss named = loss_named(loss.name);
    EXPECT_EQ(named.name, loss.name);
    EXPECT_TRUE(at::equal(named.value(z, labels), loss.value(z, labels))) << loss.name;
    EXPECT_EQ(named.ignores_shift, loss.ignores_shift) << loss.name;
  }
  EXPECT_EQ(cross_entropy_loss().name, "cross-entropy");
  EXPECT_EQ(squared_error_loss().name, "squared-error");
  EXPECT_EQ(margin_loss().name, "margin");
  EXPECT_EQ(dlr_loss().name, "dlr");
}

// Results and checkpoints tell losses apart by their names.
TEST(LossNames, TellSmoothingApart) {
  EXPECT_EQ(cross_entropy_loss(0.1).name.find("cross-entropy, labels smoothed by 0.1"), 0U);
  EXPECT_NE(cross_entropy_loss(0.1).name, cross_entropy_loss(0.1 + 1e-12).name);
}

TEST(LossNames, OfOthersAreRefusedWithAList) {
  for (const std::string name : {"", "hinge", "Cross-Entropy", "cross-entropy "}) {
    const std::string message = error_of([&] { loss_named(name); });
    for (const std::string& part :
         {"'" + name + "'", std::string("cross-entropy, squared-error, margin or dlr")}) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }
}

TEST(Theory, KnowsNoLossOfAttacksAlone) {
  for (const Loss& loss : {margin_loss(), dlr_loss()}) {
    const std::string message = error_of([&] { require_known_to_theory(loss); });
    EXPECT_NE(message.find("'" + loss.name + "'"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace reluctance
