// The pieces in which samples are worked on: their order, and that it does not matter which of them
// are kept.
#include "reluctance/curvature/samples.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/error_of.hpp"
#include "base/threads.hpp"
#include "curvature/subjects.hpp"
#include "reluctance/curvature/hessian.hpp"

namespace reluctance {
namespace {

class SamplesOfCurvature : public testing::TestWithParam<NetworkAndLoss> {
 protected:
  SamplesOfCurvature() : net_(network_of(GetParam()).network) {
    at::manual_seed(std::get<0>(GetParam()));
    const Tensor x = random_input(net_, 5);
    const Tensor labels = at::randint(net_.classes(), {5}, at::kLong);
    // In no order, so that nothing can be put right by sorting.
    samples_ = {x, labels, at::tensor({40, 3, 17, 8, 25}, at::kLong)};
    v_ = at::randn({net_.parameter_count()}, at::kDouble);
  }

  CurvatureSamplesPtr of(int64_t memory = default_curvature_memory) const {
    return std::make_shared<CurvatureSamples>(net_, samples_, loss_of(GetParam()).loss, memory);
  }

  // Three threads cut five samples into 2, 2 and 1.
  Threads threads_{3};
  Network net_;
  Samples samples_;
  Tensor v_;
};

TEST_P(SamplesOfCurvature, MapJoinsThePiecesInOrderWhateverIsKept) {
  const auto all = of();
  for (const auto& data : {all, of(all->kept() / 2), of(0)}) {
    const Tensors joined = data->map([](const CurvatureSamples::Piece& piece) {
      const Tensor size = at::full({piece.end - piece.begin}, piece.end - piece.begin, at::kLong);
      return Tensors{piece.samples.index,
                     piece.samples.images,
                     piece.samples.labels,
                     piece.primal.pass.logits,
                     at::arange(piece.begin, piece.end),
                     size};
    });
    EXPECT_TRUE(at::equal(joined.at(0), samples_.index));
    EXPECT_TRUE(at::equal(joined[1], samples_.images));
    EXPECT_TRUE(at::equal(joined[2], samples_.labels));
    EXPECT_LT(relative_error(joined[3], logits(net_, samples_.images)), 1e-13);
    EXPECT_TRUE(at::equal(joined[4], at::arange(5)));
    EXPECT_TRUE(at::equal(joined[5], at::tensor({2, 2, 2, 2, 1}, at::kLong)));
  }
}

TEST_P(SamplesOfCurvature, ForEachShowsEachPieceOnce) {
  for (const auto& data : {of(), of(0)}) {
    const Tensor seen = at::zeros({5}, at::kLong);
    data->for_each([&](const CurvatureSamples::Piece& piece) {
      seen.slice(0, piece.begin, piece.end).add_(piece.samples.index);
    });
    EXPECT_TRUE(at::equal(seen, samples_.index));
  }
}

TEST_P(SamplesOfCurvature, ProductsAreTheSameWhateverIsKept) {
  const auto none = of(0);
  const auto all = of();
  const auto some = of(all->kept() / 2);
  EXPECT_EQ(none->kept(), 0);
  EXPECT_GT(all->kept(), 0);
  EXPECT_GT(some->kept(), 0);
  EXPECT_LT(some->kept(), all->kept());
  const Tensor expected = loss_hessian(all).product(v_);
  EXPECT_TRUE(at::equal(loss_hessian(none).product(v_), expected));
  EXPECT_TRUE(at::equal(loss_hessian(some).product(v_), expected));
  EXPECT_TRUE(at::equal(sample_curvatures(*none, v_), sample_curvatures(*all, v_)));
}

TEST_P(SamplesOfCurvature, PartsOfAVectorAreThoseOfTheParameters) {
  const Tensors parts = of(0)->split(v_);
  const Tensors parameters = net_.parameters();
  ASSERT_EQ(parts.size(), parameters.size());
  for (std::size_t k = 0; k < parts.size(); ++k) EXPECT_EQ(parts[k].sizes(), parameters[k].sizes());
  EXPECT_TRUE(at::equal(one_row(parts), v_));
}

INSTANTIATE_TEST_SUITE_P(Networks, SamplesOfCurvature, all_pairs(), name_of);

TEST(CurvatureLosses, OfUnknownCurvatureAreRefused) {
  const Network& net = shared_networks()[2].network;
  const Samples samples(random_input(net, 2), at::zeros({2}, at::kLong));
  for (const Loss& loss : {margin_loss(), dlr_loss()}) {
    const std::string message = error_of([&] { CurvatureSamples(net, samples, loss); });
    EXPECT_NE(message.find("not the loss '" + loss.name + "'"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace reluctance
