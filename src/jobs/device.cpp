#include "reluctance/jobs/device.hpp"

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "reluctance/base/error.hpp"
#include "reluctance/base/processes.hpp"

namespace reluctance {
namespace {

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

}  // namespace

int available_threads() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / launch().local_count);
}

int64_t bytes_of(double gib) { return static_cast<int64_t>(gib * (1 << 30)); }

double half_of_memory() {
  const auto pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES));
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 30) / 2 /
         launch().local_count;
}

c10::Device usable_device(const std::string& name) {
  c10::Device device = parsed(name);
  if (device.is_cpu()) return device;
  if (!at::hasCUDA()) {
    throw Error("--device " + name +
                ": LibTorch was built without CUDA or finds no GPU; use --device cpu");
  }
  if (!device.has_index() && launch().count > 1) {
    const int gpus = c10::impl::VirtualGuardImpl(device.type()).deviceCount();
    if (gpus > 0) device.set_index(static_cast<c10::DeviceIndex>(launch().local_rank % gpus));
  }
  try {
    at::empty({1}, at::TensorOptions().device(device));
  } catch (const c10::Error& error) {
    throw Error("--device " + name + ": cannot be used: " +
                first_line(error.what_without_backtrace()) + "; use --device cpu");
  }
  // The same numbers as on a CPU, and the same again: full float32 instead of its first ten bits,
  // and no convolution that adds in the order in which threads arrive.
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setDeterministicCuDNN(true);
  return device;
}

}  // namespace reluctance
