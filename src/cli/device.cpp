#include "cli/device.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <thread>

#include "reluctance/base/error.hpp"

namespace reluctance {
namespace {

int available_threads() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// LibTorch also knows devices that compute nothing (meta) or are none any more (mkldnn).
c10::Device parsed(const std::string& name) {
  try {
    const c10::Device device(name);
    if ((device.is_cpu() && !device.has_index()) || device.is_cuda()) return device;
  } catch (const c10::Error&) {
    // said below
  }
  throw Error("--device " + name + ": unknown device; choose cpu, cuda or cuda:N");
}

// LibTorch's messages go on for pages; their first line says what is missing.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

void apply(const CommonOptions& options) {
  if (options.json != "-") require_file_place("--json", options.json);
  at::set_num_threads(options.threads > 0 ? options.threads : available_threads());
  const c10::Device device = parsed(options.device);
  if (device.is_cpu()) return;
  if (!at::hasCUDA()) {
    throw Error("--device " + options.device +
                ": LibTorch was built without CUDA or finds no GPU; use --device cpu");
  }
  try {
    at::empty({1}, at::TensorOptions().device(device));
  } catch (const c10::Error& error) {
    throw Error("--device " + options.device + ": cannot be used: " +
                first_line(error.what_without_backtrace()) + "; use --device cpu");
  }
  // The same numbers as on a CPU, and the same again: full float32 instead of its first ten bits,
  // and no convolution that adds in the order in which threads arrive.
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setDeterministicCuDNN(true);
}

Network on_device(const CommonOptions& options, const Network& network) {
  const c10::Device device = parsed(options.device);
  return device.is_cpu() ? network : network.to(device);
}

}  // namespace reluctance
