#include "table.hpp"

#include <ATen/Parallel.h>

#include <cstdio>

#include "operations.hpp"

namespace reluctance::benchmarks {

bool Table::ReportContext(const Context& context) {
  std::printf("%d threads on %d cores, load", at::get_num_threads(), context.cpu_info.num_cpus);
  for (double load : context.cpu_info.load_avg) std::printf(" %.1f", load);
  std::printf("; matrix products reach %.0f (float32) and %.0f (float64) GFLOP/s\n\n",
              peak(at::kFloat) / 1e9, peak(at::kDouble) / 1e9);
  std::printf("%-30s %11s %11s %9s %17s %8s %8s %8s\n", "comparison", "ours", "autograd", "ratio",
              "(min to max)", "target", "reached", "of peak");
  return true;
}

void Table::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    const auto value = [&](const char* counter) { return run.counters.at(counter).value; };
    const double target = value("target");
    char range[32], wanted[32] = "-";
    std::snprintf(range, sizeof range, "(%.4g to %.4g)", value("ratio_min"), value("ratio_max"));
    if (target > 0) std::snprintf(wanted, sizeof wanted, "%g", target);
    std::printf("%-30s %8.2f ms %8.1f ms %9.4g %17s %8s %8s %7.1f%%\n    %s\n",
                run.run_name.function_name.c_str(), 1e3 * value("ours_s"),
                1e3 * value("autograd_s"), value("ratio"), range, wanted,
                target == 0                ? "-"
                : value("ratio") >= target ? "yes"
                                           : "no",
                100 * value("peak_share"), run.report_label.c_str());
    if (value("disturbed_pairs") > 0) {
      std::printf("    other programs were busy during %.0f of %ld pairs\n",
                  value("disturbed_pairs"), static_cast<long>(run.iterations));
    }
    std::fflush(stdout);
  }
}

}  // namespace reluctance::benchmarks
