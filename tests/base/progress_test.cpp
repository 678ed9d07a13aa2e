// Progress: who is told, when and on which thread; interrupts.
#include "reluctance/base/progress.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "base/threads.hpp"
#include "reluctance/base/chunks.hpp"

namespace reluctance {
namespace {

using Told = std::vector<std::pair<int64_t, int64_t>>;

TEST(ProgressCounter, TellsTheSumAndTheTotal) {
  Told told;
  ProgressCounter counter([&](int64_t done, int64_t total) { told.push_back({done, total}); }, 9);
  counter.add(2);
  counter.add(3);
  counter.tell();
  EXPECT_EQ(told, (Told{{2, 9}, {5, 9}, {5, 9}}));
}

TEST(ProgressCounter, AnEmptyFunctionIsAllowed) {
  ProgressCounter counter({}, 5);
  EXPECT_NO_THROW(counter.add(5));
  EXPECT_NO_THROW(counter.tell());
}

// What shows progress need not be safe for threads: only its own thread calls it.
TEST(ProgressCounter, WorkOfOtherThreadsIsToldByTheOwner) {
  Told told;
  ProgressCounter counter([&](int64_t done, int64_t total) { told.push_back({done, total}); }, 9);
  std::thread([&] { counter.add(4); }).join();
  EXPECT_TRUE(told.empty());
  counter.tell();
  EXPECT_EQ(told, (Told{{4, 9}}));
  counter.add(1);
  EXPECT_EQ(told, (Told{{4, 9}, {5, 9}}));
}

TEST(ProgressCounter, ChunksOnManyThreadsAreToldOnTheCallersAlone) {
  const Threads threads(3);
  std::atomic<int> elsewhere = 0;
  Told told;
  ProgressCounter counter(
      [&, owner = std::this_thread::get_id()](int64_t done, int64_t total) {
        if (std::this_thread::get_id() != owner) ++elsewhere;
        told.push_back({done, total});
      },
      480);
  for_each_chunk({at::kCPU, 480, 16, &counter}, [](int64_t, int64_t) {});
  EXPECT_EQ(elsewhere, 0);
  ASSERT_FALSE(told.empty());
  for (std::size_t i = 1; i < told.size(); ++i) EXPECT_LE(told[i - 1].first, told[i].first);
  // Whichever thread came last, the end is told.
  EXPECT_EQ(told.back(), (std::pair<int64_t, int64_t>{480, 480}));
}

TEST(ProgressCounter, TheReceiverMayAddAndTell) {
  int depth = 0;
  Told told;
  ProgressCounter* self = nullptr;
  ProgressCounter counter(
      [&](int64_t done, int64_t total) {
        told.push_back({done, total});
        if (++depth == 1) self->add(1);
        if (depth == 2) self->tell();
      },
      9);
  self = &counter;
  counter.add(2);
  EXPECT_EQ(told, (Told{{2, 9}, {3, 9}, {3, 9}}));
}

// A receiver that waits for a worker would wait for ever if telling held what the worker needs.
TEST(ProgressCounter, WorkersGoOnWhileTheReceiverIsBusy) {
  ProgressCounter* self = nullptr;
  std::thread worker;
  bool went_on = false;
  ProgressCounter counter(
      [&](int64_t, int64_t) {
        std::promise<void> added;
        std::future<void> done = added.get_future();
        worker = std::thread([&, added = std::move(added)]() mutable {
          self->add(1);
          added.set_value();
        });
        went_on = done.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
      },
      9);
  self = &counter;
  counter.add(1);
  worker.join();
  EXPECT_TRUE(went_on);
}

TEST(ProgressCounter, TheReceiverMayThrowToStopTheJob) {
  ProgressCounter counter([](int64_t, int64_t) { throw std::runtime_error("enough"); }, 100);
  int pieces = 0;
  EXPECT_THROW(for_each_chunk({at::kCUDA, 100, 10, &counter}, [&](int64_t, int64_t) { ++pieces; }),
               std::runtime_error);
  EXPECT_EQ(pieces, 1);
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
