#include "comparison.hpp"

#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "clock.hpp"

namespace reluctance::benchmarks {
namespace {

// A pair that waited longer than this share of its time for processors that other programs held is
// timed again, as often as there are chances.
constexpr double tolerable = 0.02;
constexpr int64_t chances_per_pair = 3;

double seconds_of(const std::function<void()>& work, int64_t runs) {
  const double begin = now();
  for (int64_t k = 0; k < runs; ++k) work();
  return (now() - begin) / static_cast<double>(runs);
}

// How often to run a side in one measurement: long enough for the clock, short enough to fit
// between the turns of other programs.
int64_t runs_per_measurement(const std::function<void()>& work) {
  constexpr double long_enough = 0.002;
  work();
  return std::max<int64_t>(1, std::lround(long_enough / seconds_of(work, 1)));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// The differences in words. Throws if one is too large.
std::string require_equal(const Comparison& comparison,
                          const std::vector<Difference>& differences) {
  std::string text;
  for (const Difference& difference : differences) {
    char line[200];
    std::snprintf(line, sizeof line, "%s %.2g (allowed %.2g)", difference.what.c_str(),
                  difference.value, difference.tolerance);
    // Written so that a NaN fails too.
    if (!(difference.value <= difference.tolerance)) {
      throw std::runtime_error(comparison.name + ": the results are not equal: " + line);
    }
    text += (text.empty() ? "" : "; ") + std::string(line);
  }
  return text;
}

void run(benchmark::State& state, const Comparison& comparison) {
  const Sides sides = comparison.prepare();
  const std::string equal = require_equal(comparison, sides.differences);
  const int64_t our_runs = runs_per_measurement(sides.ours);
  const int64_t autograd_runs = runs_per_measurement(sides.autograd);
  std::vector<double> ours, autograd, ratios;
  int64_t chances = at::get_num_threads() > 1 ? chances_per_pair * comparison.pairs : 0;
  int64_t disturbed_pairs = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (;; --chances) {
      const double begin = now();
      const double waited = seconds_waited();
      const double our_seconds = seconds_of(sides.ours, our_runs);
      const double autograd_seconds = seconds_of(sides.autograd, autograd_runs);
      const bool disturbed = seconds_waited() - waited > tolerable * (now() - begin);
      if (disturbed && chances > 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        continue;
      }
      ours.push_back(our_seconds);
      autograd.push_back(autograd_seconds);
      ratios.push_back(autograd_seconds / our_seconds);
      if (disturbed) ++disturbed_pairs;
      break;
    }
    state.SetIterationTime(ours.back());
  }
  state.SetLabel(comparison.what + (sides.note.empty() ? "" : ", " + sides.note) +
                 "; equal: " + equal);
  state.counters["ours_s"] = median(ours);
  state.counters["autograd_s"] = median(autograd);
  state.counters["ratio"] = median(ratios);
  state.counters["ratio_min"] = *std::min_element(ratios.begin(), ratios.end());
  state.counters["ratio_max"] = *std::max_element(ratios.begin(), ratios.end());
  state.counters["target"] = comparison.target;
  state.counters["disturbed_pairs"] =
      at::get_num_threads() > 1 ? static_cast<double>(disturbed_pairs) : 0;
  state.counters["peak_share"] = seconds_at_peak(sides.operations) / median(ours);
}

}  // namespace

void add(const Comparison& comparison) {
  benchmark::RegisterBenchmark(comparison.name.c_str(),
                               [comparison](benchmark::State& state) { run(state, comparison); })
      ->Iterations(comparison.pairs)
      ->Unit(benchmark::kMillisecond)
      ->UseManualTime();
}

}  // namespace reluctance::benchmarks
