// The spectrum of the input Hessian of each image, with its eigenvectors.
#pragma once

#include <cstdint>

#include "reluctance/base/progress.hpp"
#include "reluctance/base/samples.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

// N samples, float64, on the CPU. R = C-1 eigenvalues of cross-entropy are not zero.
struct InputSpectra {
  Tensor eigenvalues;  // N x R, descending
  Tensor vectors;      // N x top x input shape, of unit length; zero where the eigenvalue vanishes
  Tensor gradient;     // N x R: components of the input gradient along all R of them
};

// samples: images of N x any shape that fits the network; the work is done in float64 where the
// network is. `top` (at least 0) is cut to R. Progress counts samples.
InputSpectra input_spectra(const Network& network, const Samples& samples, int64_t top,
                           const Progress& progress = {});

}  // namespace reluctance
