// What overhead.py compares with: the same evaluation without Python, in the same process.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdio>
#include <ctime>
#include <exception>
#include <thread>

#include "data/validation.hpp"
#include "jobs/numbers.hpp"
#include "jobs/record.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/jobs/evaluation.hpp"
#include "reluctance/jobs/subject.hpp"
#include "reluctance/network/onnx.hpp"

namespace reluctance {
namespace {

double processor_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// What the library does in one call: it checks the data, attacks, and writes its numbers down.
NamedTensors evaluated(const Network& network, const Dataset& given, const char* attack) {
  const RunInfo run = run_info("evaluate", 0, "cpu");
  const Arrays arrays{given.samples.images, given.samples.labels};
  const Dataset data = arranged("net", network, make_dataset("arrays", arrays, {}));
  require_answers("net", network, data);
  EvaluationOptions options;
  options.attack.attack = attack;
  const Tensor guides = data.samples.head(most_guides).images;
  const Evaluation evaluation = evaluate(network, data.samples, guides, options);
  Json document = measurement_json(run, "net", data);
  document.update(numbers_of(evaluation, options.attack));
  measurement_text(document);
  return arrays_of(evaluation, network, data.samples, ball_of(options.attack));
}

}  // namespace
}  // namespace reluctance

// Processor seconds of one evaluation with one thread, on a thread of its own, as Python's calls
// are; negative if it failed. Its arrays go to the file `out`.
extern "C" double reluctance_evaluate(const char* model, const char* file, const char* attack,
                                      const char* out) {
  using namespace reluctance;
  try {
    const Network network = read_onnx(model).network;
    const Dataset data = load_dataset(file, "test");
    NamedTensors arrays;
    double seconds = 0;
    std::thread([&] {
      const double begin = processor_time();
      at::set_num_threads(1);
      arrays = evaluated(network, data, attack);
      seconds = processor_time() - begin;
    }).join();
    write_npz(out, arrays);
    return seconds;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return -1;
  }
}
