// Trace and spectral density from random vectors.
#pragma once

#include <cstdint>

#include "reluctance/base/progress.hpp"
#include "reluctance/curvature/operator.hpp"

namespace reluctance {

// E[r^T A r] over random signs r (Hutchinson 1989), with its standard error.
struct TraceEstimate {
  double value, standard_error;
  int64_t probes;
};
TraceEstimate estimate_trace(const LinearOperator& matrix, int64_t probes,
                             const Context& context = {});

// Stochastic Lanczos quadrature (Ubaru, Chen, Saad 2017): for each probe a Gauss rule whose nodes
// and weights integrate any function against the spectral density, which has total weight 1.
struct SpectralDensity {
  Tensor nodes;    // probes x steps, float64; ascending
  Tensor weights;  // probes x steps, float64; each row sums to 1 / probes
};
SpectralDensity spectral_density(const LinearOperator& matrix, int64_t probes, int64_t steps,
                                 const Context& context = {});

}  // namespace reluctance
