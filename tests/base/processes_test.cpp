#include "reluctance/base/processes.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/error_of.hpp"
#include "base/in_processes.hpp"
#include "reluctance/base/progress.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

TEST(Processes, OneIsAlone) {
  EXPECT_TRUE(is_first_process());
  join_processes();
  EXPECT_FALSE(divides());
  require_agreement("the weather", "fair");
  EXPECT_EQ(fault_of_processes().text, "");
  EXPECT_TRUE(report_failure("a failure that only this process can tell of"));
  EXPECT_TRUE(leave_processes());
}

TEST(Processes, GatherTensorsOfAnyNumberShapeAndType) {
  for (const int count : {2, 3}) {
    in_processes(count, [&]() -> std::string {
      const auto made = [](int rank) {
        Tensors own{at::arange(rank * 3).view({3, rank}), Tensor(),
                    at::full({}, rank, at::kDouble)};
        for (int k = 0; k < rank; ++k) own.push_back(at::ones({2}, at::kBool));
        return rank == 2 ? Tensors{} : own;
      };
      const std::vector<Tensors> all = gather(made(launch().rank), at::kCPU);
      if (all.size() != static_cast<std::size_t>(count)) return "one row for each process";
      for (int rank = 0; rank < count; ++rank) {
        const Tensors expected = made(rank);
        const Tensors& got = all[static_cast<std::size_t>(rank)];
        if (got.size() != expected.size()) return "another number of tensors";
        for (std::size_t k = 0; k < got.size(); ++k) {
          if (got[k].defined() != expected[k].defined()) return "another one is undefined";
          if (!got[k].defined()) continue;
          if (got[k].scalar_type() != expected[k].scalar_type()) return "another type";
          if (!at::equal(got[k], expected[k])) return "other numbers";
        }
      }
      return "";
    });
  }
}

TEST(Processes, SumsKeepTypesAndPlaces) {
  in_processes(3, []() -> std::string {
    const int rank = launch().rank;
    // In float32 the small ones would be lost.
    const double large = rank == 0 ? 1e8 : rank == 1 ? 1.25 : -1e8;
    const Tensors sums = sum_over_processes(
        {at::full({2}, rank + 0.5, at::kFloat), at::full({2, 2}, large, at::kDouble),
         at::full({1, 3}, -rank, at::kFloat), at::full({}, (int64_t{1} << 40) + rank, at::kLong)});
    if (!at::equal(sums[0], at::full({2}, 4.5, at::kFloat))) return "the first floats";
    if (!at::equal(sums[1], at::full({2, 2}, 1.25, at::kDouble))) return "the doubles";
    if (!at::equal(sums[2], at::full({1, 3}, -3, at::kFloat))) return "the other floats";
    if (!at::equal(sums[3], at::full({}, (int64_t{3} << 40) + 3, at::kLong))) return "the integer";
    return "";
  });
}

TEST(Processes, DisagreementNamesWhatAndWho) {
  in_processes(2, []() -> std::string {
    require_agreement("the weather", "fair");
    const std::string message =
        error_of([] { require_agreement("the wind", launch().rank == 1 ? "west" : "east"); });
    return message.starts_with("the wind of rank 1 differs") ? "" : "not refused: " + message;
  });
}

// A checkpoint may take longer than others are given to stop.
TEST(Processes, TheFirstIsNotEndedWhileItSaves) {
  const TemporaryFolder folder;
  const std::filesystem::path saved = folder.path() / "saved";
  in_processes(2, [&]() -> std::string {
    if (launch().rank == 1) {
      report_failure("no memory");
      leave_processes();
      ::_exit(0);
    }
    try {
      await_processes();
      return "nothing was thrown";
    } catch (const Interrupted&) {
    }
    std::this_thread::sleep_for(std::chrono::seconds(10));
    const Fault fault = fault_of_processes();
    if (!fault.text.ends_with("no memory") || fault.first_is_lost) return fault.text;
    std::ofstream(saved) << "all";
    leave_processes();
    ::_exit(0);
  });
  EXPECT_TRUE(std::filesystem::exists(saved));
}

TEST(Processes, NothingIsDividedWithinAShare) {
  in_processes(2, []() -> std::string {
    if (!divides()) return "several processes divide";
    const OwnShare share;
    return divides() ? "a share is divided" : "";
  });
}

}  // namespace
}  // namespace reluctance
