#include "comparison.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace reluctance::benchmarks {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// How often to run a side in one measurement: until it is well above what the system's scheduler
// does to short ones.
int64_t runs_per_measurement(const std::function<void()>& work) {
  constexpr double long_enough = 0.03;
  work();
  return std::max<int64_t>(1, std::lround(long_enough / seconds_of(work)));
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
  const auto time = [](const std::function<void()>& work, int64_t runs) {
    return seconds_of([&] {
             for (int64_t k = 0; k < runs; ++k) work();
           }) /
           static_cast<double>(runs);
  };
  std::vector<double> ours, autograd, ratios;
  for ([[maybe_unused]] auto _ : state) {
    ours.push_back(time(sides.ours, our_runs));
    autograd.push_back(time(sides.autograd, autograd_runs) * sides.autograd_scale);
    ratios.push_back(autograd.back() / ours.back());
    state.SetIterationTime(ours.back());
  }
  state.SetLabel(comparison.what + "; equal: " + equal);
  state.counters["ours_s"] = median(ours);
  state.counters["autograd_s"] = median(autograd);
  state.counters["ratio"] = median(ratios);
  state.counters["ratio_min"] = *std::min_element(ratios.begin(), ratios.end());
  state.counters["ratio_max"] = *std::max_element(ratios.begin(), ratios.end());
  state.counters["target"] = comparison.target;
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
