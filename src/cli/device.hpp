// Where the program computes: threads and devices.
#pragma once

#include <string>

#include "cli/options.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// Sets the threads, and what a device needs for the same numbers as on a CPU, and waits for the
// other processes; throws Error if the device cannot be had, the file of --json cannot be written,
// or the others do not come or were started otherwise.
void apply(const CommonOptions& options);

// The network where --device says.
Network on_device(const CommonOptions& options, const Network& network);

}  // namespace reluctance
