#include "reluctance/jobs/spectra.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "reluctance/theory/input_spectrum.hpp"

namespace reluctance {

InputSpectra input_spectra(const Network& network, const Samples& samples, int64_t top,
                           const Progress& progress) {
  const Network precise = network.to(at::kDouble);
  ProgressCounter counter(progress, samples.count());
  const auto of_piece = [&](int64_t begin, int64_t end) -> Tensors {
    const LinearRegion region =
        linear_region(precise, as_inputs(precise, samples.slice(begin, end)));
    const InputSpectrum spectrum = input_spectrum(region);
    const int64_t count = std::min(top, region.rank());
    Shape shape{end - begin, 0};
    shape.insert(shape.end(), precise.input_shape().begin(), precise.input_shape().end());
    Tensors vectors{at::empty(shape, at::kDouble)};
    for (int64_t k = 0; k < count; ++k) {
      const Tensor coefficients = spectrum.directions.select(2, k).contiguous();
      vectors.push_back(perturbation(precise, region, coefficients).unsqueeze(1));
    }
    return {spectrum.eigenvalues, at::cat(vectors, 1), spectrum.gradient};
  };
  const Tensors all = map_chunks(chunks_of(precise, samples.count(), &counter), of_piece);
  return {all[0], all[1], all[2]};
}

}  // namespace reluctance
