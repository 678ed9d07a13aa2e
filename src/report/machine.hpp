// The machine and libraries that a run used, for the record.
#pragma once

#include <cstdint>
#include <string>

namespace reluctance {

struct Machine {
  std::string processor, system, libtorch;
  int cores;
  std::uint64_t memory_bytes;
};

Machine this_machine();

}  // namespace reluctance
