// The data and the trained networks that the comparisons share.
#pragma once

#include <string>

#include "reluctance/data/dataset.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance::benchmarks {

// Fashion-MNIST where it is installed, else random images of the same shape. split: train or test.
const Dataset& images_of(const std::string& split);

// "mlp" (784-256-256-256-10) or "cnn" after one epoch of plain training.
const Network& trained(const std::string& architecture);

// The same after three epochs with PGD of 5 steps in L-infinity 0.05.
const Network& adversarially_trained(const std::string& architecture);

}  // namespace reluctance::benchmarks
