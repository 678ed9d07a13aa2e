// Chunks: which pieces there are, and on which threads.
#include "reluctance/base/chunks.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/threads.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

TEST(Chunks, CoverTheRangeOnceForAnyThreadCount) {
  for (int used : {1, 2, 3}) {
    const Threads threads(used);
    for (int64_t count : {0, 1, 7, 64, 65}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
      for_each_chunk({at::kCPU, count, 8}, [&](int64_t begin, int64_t end) {
        EXPECT_LE(end - begin, 8);
        for (int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      for (const auto& visit : visits) EXPECT_EQ(visit.load(), 1);
    }
  }
}

TEST(Chunks, RunOnEveryThreadAtOnce) {
  const Threads threads(3);
  std::mutex mutex;
  std::set<std::thread::id> used;
  for_each_chunk({at::kCPU, 48, 16}, [&](int64_t, int64_t) {
    const std::lock_guard lock(mutex);
    used.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(used.size(), 3u);
}

TEST(Chunks, OperatorsInsideAreToldOfOneThread) {
  const Threads threads(7);  // more than any test before: some of them are new
  std::atomic<int> most = 0;
  for_each_chunk({at::kCPU, 7 * 16, 16}, [&](int64_t, int64_t) {
    at::relu(at::rand({200000}));  // large enough for LibTorch to ask how many threads there are
    most = std::max(most.load(), omp_get_max_threads());
  });
  EXPECT_EQ(most, 1);
}

// oneDNN keeps plans of convolutions by shape and number of threads.
TEST(Chunks, ConvolutionsPlannedOutsideDoNotWaitForThreadsInside) {
  const Threads threads(2);
  const Tensor x = at::rand({32, 16, 14, 14});
  const Tensor u = at::rand({32, 32, 7, 7});
  const Tensor weight = at::rand({32, 16, 4, 4});
  const auto gradient = [&] {
    return std::get<1>(at::convolution_backward(u, x, weight, at::OptionalIntArrayRef({32}), {2, 2},
                                                {1, 1}, {1, 1}, false, {0, 0}, 1,
                                                {false, true, false}));
  };
  const Tensor outside = gradient();
  double largest = 0;
  std::mutex mutex;
  for_each_chunk({at::kCPU, 64, 32}, [&](int64_t, int64_t) {
    const Tensor inside = gradient();
    const std::lock_guard lock(mutex);
    largest = std::max(largest, ((inside - outside).norm() / outside.norm()).item<double>());
  });
  EXPECT_LT(largest, 1e-5);
}

TEST(Chunks, AnExceptionReachesTheCaller) {
  EXPECT_THROW(for_each_chunk({at::kCPU, 100, 10},
                              [](int64_t begin, int64_t) {
                                if (begin == 50) throw Error("here");
                              }),
               Error);
}

// Such a device has but the caller's thread.
TEST(Chunks, NothingFollowsAnExceptionOnAGpu) {
  std::vector<int64_t> begun;
  const auto body = [&](int64_t begin, int64_t) {
    begun.push_back(begin);
    if (begin == 30) throw Error("here");
  };
  EXPECT_THROW(for_each_chunk({at::kCUDA, 100, 10}, body), Error);
  EXPECT_EQ(begun, (std::vector<int64_t>{0, 10, 20, 30}));
}

TEST(Chunks, NoPieceIsBegunOnceAnInterruptIsRequested) {
  int begun = 0;
  const auto body = [&](int64_t, int64_t) {
    ++begun;
    request_interrupt();
  };
  EXPECT_THROW(for_each_chunk({at::kCUDA, 100, 10}, body), Interrupted);
  EXPECT_EQ(begun, 1);
  const InterruptRequest request;
  EXPECT_THROW(for_each_chunk({at::kCPU, 100, 10}, body), Interrupted);
  EXPECT_EQ(begun, 1);
}

// Derivatives here never need the tape, and it would keep every activation.
TEST(Chunks, RecordNoAutograd) {
  const Threads threads(2);
  const Tensor leaf = at::ones({64}).requires_grad_();
  std::atomic<int> taped = 0;
  for_each_chunk({at::kCPU, 64, 16}, [&](int64_t begin, int64_t end) {
    if ((leaf.slice(0, begin, end) * 2).requires_grad()) ++taped;
  });
  EXPECT_EQ(taped, 0);
  EXPECT_TRUE((leaf * 2).requires_grad());  // and the caller's own stays as it was
}

TEST(Chunks, AreLargeForAGpuAndFromOneThread) {
  std::vector<int64_t> ends;
  for_each_chunk({at::kCUDA, 70, 30}, [&](int64_t begin, int64_t end) {
    EXPECT_EQ(begin, ends.empty() ? 0 : ends.back());
    ends.push_back(end);
  });
  EXPECT_EQ(ends, (std::vector<int64_t>{30, 60, 70}));
}

}  // namespace
}  // namespace reluctance
