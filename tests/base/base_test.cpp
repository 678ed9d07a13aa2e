// Whole-or-nothing files, chunks, seeds and interrupts.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "reluctance/base/chunks.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/base/progress.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/base/tensor.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

TEST(Files, WriteThenReadReturnsTheBytes) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "deep" / "file.bin";
  const std::string bytes("a\0b\n", 4);
  write_file(path, bytes);
  write_file(path, bytes + "more");
  EXPECT_EQ(read_file(path, 100), bytes + "more");
}

TEST(Files, NothingButTheFileStaysBehind) {
  const TemporaryFolder folder;
  write_file(folder.path() / "file", "x");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, FullDiskLeavesTheOldFile) {
  // /dev/full refuses every write; a folder cannot be created below a device.
  EXPECT_THROW(write_file("/dev/full/file", "x"), Error);
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "name";
  fs::create_directories(path / "occupied");
  try {
    write_file(path, "x");
    FAIL() << "a folder that is not empty was replaced";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::job);
    EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, ReadingIsBounded) {
  const TemporaryFolder folder;
  write_file(folder.path() / "file", "12345");
  EXPECT_THROW(read_file(folder.path() / "file", 4), Error);
  EXPECT_THROW(read_file(folder.path() / "missing", 4), Error);
  EXPECT_THROW(read_file(folder.path(), 4), Error);
}

TEST(Files, AnUnwritableFolderIsAnInputError) {
  try {
    require_writable_folder("--out", "/proc/nowhere");
    FAIL() << "/proc/nowhere cannot be created";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::input);
  }
}

TEST(Chunks, CoverTheRangeOnceForAnyThreadCount) {
  const int threads = at::get_num_threads();
  for (int used : {1, 2, 3}) {
    at::set_num_threads(used);
    for (int64_t count : {0, 1, 7, 64, 65}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
      for_each_chunk(at::kCPU, count, 8, [&](int64_t begin, int64_t end) {
        EXPECT_LE(end - begin, 8);
        for (int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      for (const auto& visit : visits) EXPECT_EQ(visit.load(), 1);
    }
  }
  at::set_num_threads(threads);
}

TEST(Chunks, RunOnEveryThreadAtOnce) {
  const int threads = at::get_num_threads();
  at::set_num_threads(3);
  std::mutex mutex;
  std::set<std::thread::id> used;
  for_each_chunk(at::kCPU, 48, 16, [&](int64_t, int64_t) {
    const std::lock_guard lock(mutex);
    used.insert(std::this_thread::get_id());
  });
  at::set_num_threads(threads);
  EXPECT_EQ(used.size(), 3u);
}

TEST(Chunks, OperatorsInsideAreToldOfOneThread) {
  const int threads = at::get_num_threads();
  at::set_num_threads(7);  // more than any test before: some of them are new
  std::atomic<int> most = 0;
  for_each_chunk(at::kCPU, 7 * 16, 16, [&](int64_t, int64_t) {
    at::relu(at::rand({200000}));  // large enough for LibTorch to ask how many threads there are
    most = std::max(most.load(), omp_get_max_threads());
  });
  at::set_num_threads(threads);
  EXPECT_EQ(most, 1);
}

// oneDNN keeps plans of convolutions by shape and number of threads.
TEST(Chunks, ConvolutionsPlannedOutsideDoNotWaitForThreadsInside) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
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
  for_each_chunk(at::kCPU, 64, 32, [&](int64_t, int64_t) {
    const Tensor inside = gradient();
    const std::lock_guard lock(mutex);
    largest = std::max(largest, ((inside - outside).norm() / outside.norm()).item<double>());
  });
  at::set_num_threads(threads);
  EXPECT_LT(largest, 1e-5);
}

TEST(Chunks, AnExceptionReachesTheCaller) {
  EXPECT_THROW(for_each_chunk(at::kCPU, 100, 10,
                              [](int64_t begin, int64_t) {
                                if (begin == 50) throw Error("here");
                              }),
               Error);
}

TEST(Chunks, AreLargeForAGpuAndFromOneThread) {
  std::vector<int64_t> ends;
  for_each_chunk(at::kCUDA, 70, 30, [&](int64_t begin, int64_t end) {
    EXPECT_EQ(begin, ends.empty() ? 0 : ends.back());
    ends.push_back(end);
  });
  EXPECT_EQ(ends, (std::vector<int64_t>{30, 60, 70}));
}

TEST(Random, PlacesGiveDifferentSeedsAndTheSameOneTwice) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t epoch = 0; epoch < 50; ++epoch) {
    for (std::uint64_t batch = 0; batch < 50; ++batch) seeds.insert(derive_seed(3, {epoch, batch}));
  }
  EXPECT_EQ(seeds.size(), 2500U);
  const Tensor first = at::rand({5}, make_generator(1, {2, 3}));
  const Tensor again = at::rand({5}, make_generator(1, {2, 3}));
  EXPECT_TRUE(at::equal(first, again));
}

TEST(Progress, InterruptIsSeenOnceRequested) {
  clear_interrupt();
  EXPECT_NO_THROW(check_interrupt());
  request_interrupt();
  EXPECT_THROW(check_interrupt(), Interrupted);
  clear_interrupt();
}

}  // namespace
}  // namespace reluctance
