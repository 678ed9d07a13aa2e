// Random numbers that depend on a seed and a place, never on what ran before.
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <initializer_list>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Mixes a seed with the coordinates of a place (epoch, batch, restart, ...) into an independent
// seed.
std::uint64_t derive_seed(std::uint64_t seed, std::initializer_list<std::uint64_t> place);

// A CPU generator for that place.
at::Generator make_generator(std::uint64_t seed, std::initializer_list<std::uint64_t> place = {});

// Numbers for N samples, N x `width`, of which a row depends on the seed and its sample's index
// (N, int64) alone: whatever the other samples are, a sample gets the same ones. In the dtype and
// on the device of `like`; drawn on the CPU in float32.
Tensor uniform_rows(std::uint64_t seed, const Tensor& index, int64_t width, const Tensor& like);
Tensor normal_rows(std::uint64_t seed, const Tensor& index, int64_t width, const Tensor& like);

}  // namespace reluctance
