#include "reluctance/base/random.hpp"

#include <ATen/CPUGeneratorImpl.h>

namespace reluctance {

std::uint64_t derive_seed(std::uint64_t seed, std::initializer_list<std::uint64_t> place) {
  // SplitMix64 (Steele, Lea and Flood 2014) over the coordinates: a bijection at every step, so two
  // places that differ in one coordinate never share a seed.
  auto mix = [](std::uint64_t value) {
    value += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
  };
  std::uint64_t state = mix(seed);
  for (std::uint64_t coordinate : place) state = mix(state ^ mix(coordinate));
  return state;
}

at::Generator make_generator(std::uint64_t seed, std::initializer_list<std::uint64_t> place) {
  return at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, place));
}

}  // namespace reluctance
