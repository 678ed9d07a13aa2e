// A table of the comparisons, as Google Benchmark reports them.
#pragma once

#include <benchmark/benchmark.h>

namespace reluctance::benchmarks {

class Table final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
};

}  // namespace reluctance::benchmarks
