// What the pieces of a batch give, joined or added up.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/threads.hpp"
#include "reluctance/base/chunks.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

TEST(MapChunks, JoinInOrder) {
  for (int used : {1, 2, 3}) {
    const Threads threads(used);
    for (int64_t count : {1, 7, 64, 65, 200}) {
      const Tensors all = map_chunks({at::kCPU, count, 8}, [&](int64_t begin, int64_t end) {
        const Tensor places = at::arange(begin, end);
        return Tensors{places, places.view({-1, 1}).expand({-1, 3})};
      });
      ASSERT_EQ(all.size(), 2U);
      EXPECT_TRUE(at::equal(all[0], at::arange(count)));
      EXPECT_TRUE(at::equal(all[1], at::arange(count).view({-1, 1}).expand({-1, 3})));
    }
  }
}

// Some give a row for each sample and direction, others one for each piece.
TEST(MapChunks, PiecesMayGiveAnyNumberOfRows) {
  const Tensors all = map_chunks({at::kCUDA, 50, 20}, [](int64_t begin, int64_t end) {
    return Tensors{at::full({1 + begin / 20}, end)};
  });
  EXPECT_TRUE(at::equal(all.at(0), at::tensor({20, 40, 40, 50, 50, 50}, at::kLong)));
}

TEST(MapChunks, NumbersAndUndefinedMix) {
  const Threads threads(2);
  for (int64_t count : {10, 100}) {
    const Tensors all = map_chunks({at::kCPU, count, 20}, [](int64_t begin, int64_t end) {
      return Tensors{Tensor(), at::arange(begin, end), Tensor()};
    });
    ASSERT_EQ(all.size(), 3U);
    EXPECT_FALSE(all[0].defined());
    EXPECT_TRUE(at::equal(all[1], at::arange(count)));
    EXPECT_FALSE(all[2].defined());
  }
}

TEST(MapChunks, WithoutSamplesTheBodyIsAskedOnceForNone) {
  for (const auto device : {at::kCPU, at::kCUDA}) {
    int asked = 0;
    const Tensors all = map_chunks({device, 0, 8}, [&](int64_t begin, int64_t end) {
      ++asked;
      EXPECT_EQ(begin, 0);
      EXPECT_EQ(end, 0);
      return Tensors{at::zeros({0, 4}), Tensor()};
    });
    EXPECT_EQ(asked, 1);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].sizes(), (at::IntArrayRef{0, 4}));
    EXPECT_FALSE(all[1].defined());
  }
}

TEST(SumChunks, AddUp) {
  for (int used : {1, 2, 3}) {
    const Threads threads(used);
    for (int64_t count : {1, 7, 64, 65, 200}) {
      const Tensors sums = sum_chunks({at::kCPU, count, 8}, [](int64_t begin, int64_t end) {
        return Tensors{at::arange(begin, end).sum(), at::full({2, 2}, end - begin)};
      });
      ASSERT_EQ(sums.size(), 2U);
      EXPECT_EQ(sums[0].item<int64_t>(), count * (count - 1) / 2);
      EXPECT_TRUE(at::equal(sums[1], at::full({2, 2}, count)));
    }
  }
  const Tensors on_gpu = sum_chunks(
      {at::kCUDA, 70, 30}, [](int64_t begin, int64_t) { return Tensors{at::full({1}, begin)}; });
  EXPECT_EQ(on_gpu.at(0).item<int64_t>(), 0 + 30 + 60);
}

TEST(SumChunks, WithoutSamplesThereIsNothing) {
  const auto body = [](int64_t, int64_t) { return Tensors{at::ones({1})}; };
  EXPECT_TRUE(sum_chunks({at::kCPU, 0, 8}, body).empty());
}

// Numbers of very different sizes, whose sum depends on their order: each thread's pieces in their
// order, then the threads'.
TEST(SumChunks, TheSameThreadsGiveTheSameBits) {
  at::manual_seed(2);
  const Tensor numbers = at::randn({640, 50}) * at::randn({640, 1}).mul(6).exp();
  const auto body = [&](int64_t begin, int64_t end) {
    return Tensors{numbers.slice(0, begin, end).sum(0)};
  };
  for (int used : {1, 2, 3}) {
    const Threads threads(used);
    const Tensor first = sum_chunks({at::kCPU, 640, 16}, body)[0];
    for (int repeat = 0; repeat < 20; ++repeat) {
      EXPECT_TRUE(at::equal(sum_chunks({at::kCPU, 640, 16}, body)[0], first)) << used;
    }
    // In that order: ceil(40 / used) pieces for each thread.
    const int64_t each = (40 + used - 1) / used;
    Tensor expected;
    for (int64_t thread = 0; thread < used; ++thread) {
      Tensor own;
      for (int64_t i = thread * each; i < std::min<int64_t>(40, (thread + 1) * each); ++i) {
        const Tensor piece = body(16 * i, 16 * i + 16)[0];
        own = own.defined() ? own + piece : piece;
      }
      expected = expected.defined() ? expected + own : own;
    }
    EXPECT_TRUE(at::equal(first, expected)) << used;
  }
}

// Both kinds, in one table.
class ChunkResults
    : public testing::TestWithParam<Tensors (*)(const Chunks& chunks, const ChunkFunction& body)> {
};

TEST_P(ChunkResults, AnExceptionIsRethrown) {
  const Threads threads(2);
  const auto body = [](int64_t begin, int64_t) -> Tensors {
    if (begin >= 48) throw Error("from " + std::to_string(begin));
    return {at::ones({1})};
  };
  for (const auto device : {at::kCPU, at::kCUDA}) {
    EXPECT_THROW(GetParam()({device, 100, 16}, body), Error);
  }
}

TEST_P(ChunkResults, AnInterruptIsThrown) {
  const auto body = [](int64_t, int64_t) { return Tensors{at::ones({1})}; };
  const InterruptRequest request;
  for (const auto device : {at::kCPU, at::kCUDA}) {
    EXPECT_THROW(GetParam()({device, 100, 16}, body), Interrupted);
  }
}

TEST_P(ChunkResults, AnInterruptInsideIsThrown) {
  const auto body = [](int64_t, int64_t) {
    request_interrupt();
    return Tensors{at::ones({1})};
  };
  EXPECT_THROW(GetParam()({at::kCPU, 100, 16}, body), Interrupted);
  clear_interrupt();
}

TEST_P(ChunkResults, ProgressIsToldOfEverySample) {
  const Threads threads(3);
  int64_t last = 0;
  ProgressCounter counter([&](int64_t done, int64_t) { last = done; }, 100);
  GetParam()({at::kCPU, 100, 16, &counter},
             [](int64_t, int64_t) { return Tensors{at::ones({1})}; });
  EXPECT_EQ(last, 100);
}

INSTANTIATE_TEST_SUITE_P(Both, ChunkResults, testing::Values(&map_chunks, &sum_chunks),
                         [](const auto& each) { return each.index == 0 ? "Joined" : "Summed"; });

}  // namespace
}  // namespace reluctance
