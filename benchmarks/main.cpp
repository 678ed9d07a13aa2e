// The program of the benchmarks. Takes Google Benchmark's options, and ends with 1 if two results
// that should be equal are not.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>

#include "comparison.hpp"
#include "table.hpp"

int main(int argc, char** argv) {
  using namespace reluctance::benchmarks;
  // As the program does, for both sides alike: big tensors keep their pages.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const char* threads = std::getenv("OMP_NUM_THREADS");
  at::set_num_threads(threads ? std::atoi(threads)
                              : static_cast<int>(std::thread::hardware_concurrency()));
  const char* core = std::getenv("OPENBLAS_CORETYPE");
  benchmark::AddCustomContext("OPENBLAS_CORETYPE", core ? core : "not set");
  add_spectrum_comparisons();
  add_attack_comparisons();
  add_training_comparisons();
  add_curvature_comparisons();
  try {
    Table table;
    benchmark::RunSpecifiedBenchmarks(&table);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "benchmarks: %s\n", error.what());
    return 1;
  }
  return 0;
}
