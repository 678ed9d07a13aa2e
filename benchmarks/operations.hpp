// Operations of networks, and the speed at which this machine could do them.
#pragma once

#include <c10/core/ScalarType.h>

#include "reluctance/network/network.hpp"

namespace reluctance::benchmarks {

// Additions and multiplications in matrix products and convolutions; nothing else is counted.
struct Operations {
  double float32 = 0;
  double float64 = 0;
};

// One sample's forward pass. A vector-Jacobian product down to the input costs as much again.
double forward_operations(const Network& network);

// The same for the first layer with weights alone, whose adjoint a weight gradient leaves out.
double first_layer_operations(const Network& network);

// Operations per second of at::mm on 2048 x 2048 matrices: the best of several, measured once.
double peak(c10::ScalarType dtype);

// How long the operations would take at these speeds.
double seconds_at_peak(const Operations& operations);

}  // namespace reluctance::benchmarks
