// Random numbers that depend on a seed and a place, never on what ran before.
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <initializer_list>

namespace reluctance {

// Mixes a seed with the coordinates of a place (epoch, batch, restart, ...) into an independent
// seed.
std::uint64_t derive_seed(std::uint64_t seed, std::initializer_list<std::uint64_t> place);

// A CPU generator for that place.
at::Generator make_generator(std::uint64_t seed, std::initializer_list<std::uint64_t> place = {});

}  // namespace reluctance
