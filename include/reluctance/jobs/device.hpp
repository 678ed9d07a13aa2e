// Where a job computes: threads, devices, memory.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

namespace reluctance {

int available_threads();  // one for each core

double half_of_memory();  // GiB: of what this machine has
int64_t bytes_of(double gib);

// The device of that name ("cpu", "cuda", "cuda:1"), made ready to give the same numbers as a CPU.
// Of several processes on a machine each takes another GPU for "cuda", as long as there are some.
// Throws Error if it cannot be had.
c10::Device usable_device(const std::string& name);

}  // namespace reluctance
