#include "reluctance/base/shares.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/error_of.hpp"
#include "base/in_processes.hpp"

namespace reluctance {
namespace {

// All that a piece may give: rows in another number than its samples, and nothing.
Tensors piece(int64_t begin, int64_t end) {
  return {at::arange(begin, end), Tensor(), at::full({1 + begin % 3}, end, at::kDouble)};
}

std::string differing(const Tensors& got, const Tensors& expected) {
  if (got.size() != expected.size()) return "another number of tensors";
  for (std::size_t k = 0; k < got.size(); ++k) {
    if (got[k].defined() != expected[k].defined()) return "another one is undefined";
    if (got[k].defined() && !at::equal(got[k], expected[k])) return "other numbers";
  }
  return "";
}

TEST(Shares, JoinAsInOneProcess) {
  for (const int processes : {1, 2, 3, 4}) {
    in_processes(processes, []() -> std::string {
      for (const int64_t count : {0, 1, 5, 64, 65, 200}) {
        for (const auto device : {at::kCPU, at::kCUDA}) {
          const Chunks chunks{device, count, 20};
          const std::string fault = differing(map_shares(chunks, piece), map_chunks(chunks, piece));
          if (!fault.empty()) return std::to_string(count) + " samples: " + fault;
        }
      }
      return "";
    });
  }
}

TEST(Shares, AddUpToTheWhole) {
  for (const int processes : {1, 2, 4}) {
    in_processes(processes, []() -> std::string {
      for (const int64_t count : {1, 2, 16, 17, 100}) {
        int64_t asked = 0;
        const Tensors sums =
            sum_shares({at::kCPU, count, 8}, [&](int64_t begin, int64_t end) -> Tensors {
              asked += end - begin;
              return {at::arange(begin, end).sum(), at::full({2, 3}, end - begin, at::kDouble)};
            });
        if (sums[0].item<int64_t>() != count * (count - 1) / 2) return "the sum of places";
        if (!at::equal(sums[1], at::full({2, 3}, count, at::kDouble)))
          return "the number of samples";
        const Tensor by_all =
            divides() ? sum_over_processes({at::full({}, asked)})[0] : at::full({}, asked);
        if (by_all.item<int64_t>() != count) return "some are done twice, or not at all";
        if (launch().count > 1 && count == 100 && asked >= count)
          return "all is done by one process";
      }
      return "";
    });
  }
}

// Where nothing is to do `body` gives the shapes, and may divide its work itself.
TEST(Shares, OfNothingAreWhole) {
  in_processes(2, []() -> std::string {
    bool divided = false;
    map_shares({at::kCPU, 0, 10}, [&](int64_t begin, int64_t end) {
      divided = divided || divides();
      return piece(begin, end);
    });
    return divided ? "it could be divided without end" : "";
  });
}

TEST(Shares, OfOtherNumbersAreRefused) {
  in_processes(2, []() -> std::string {
    const int64_t count = launch().rank == 0 ? 1 : 2;  // one row each
    const std::string message = error_of([&] { map_shares({at::kCPU, count, 1}, piece); });
    return message.find(" works on ") == message.npos ? "not refused: " + message : "";
  });
}

TEST(Shares, WithinAShareWorkIsWhole) {
  in_processes(2, []() -> std::string {
    const Tensors outer = map_shares({at::kCPU, 40, 10}, [](int64_t begin, int64_t) -> Tensors {
      return {at::full({1}, begin) +
              map_shares({at::kCPU, 30, 5},
                         [](int64_t from, int64_t) -> Tensors { return {at::full({1}, from)}; })[0]
                  .sum()};
    });
    const Tensor inner =
        map_chunks({at::kCPU, 30, 5},
                   [](int64_t from, int64_t) -> Tensors { return {at::full({1}, from)}; })[0]
            .sum();
    const Tensor expected = map_chunks({at::kCPU, 40, 10}, [&](int64_t begin, int64_t) -> Tensors {
      return {at::full({1}, begin) + inner};
    })[0];
    return at::equal(outer[0], expected) ? "" : "other numbers";
  });
}

TEST(Shares, ProgressCountsTheSamplesOfAll) {
  in_processes(2, []() -> std::string {
    int64_t last = 0;
    ProgressCounter counter([&](int64_t done, int64_t) { last = done; }, 100);
    map_shares({at::kCPU, 100, 10, &counter}, piece);
    counter.tell();
    return last == 100 ? "" : "counted " + std::to_string(last);
  });
}

}  // namespace
}  // namespace reluctance
