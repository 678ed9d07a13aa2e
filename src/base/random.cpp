#include "reluctance/base/random.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <numbers>

namespace reluctance {
namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014), a bijection, and its increment.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}
constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;

// (k + 1/2) / 2^23 for a whole k: never 0 and never 1.
float unit(std::uint32_t bits) { return (static_cast<float>(bits >> 9) + 0.5F) * 0x1p-23F; }

// SplitMix64 from the sample's own seed; each of its numbers gives two of ours.
void fill_uniform(std::uint64_t seed, float* row, int64_t width) {
  for (int64_t k = 0; k < width; k += 2) {
    const std::uint64_t bits = mix(seed + golden * static_cast<std::uint64_t>(k / 2 + 1));
    row[k] = unit(static_cast<std::uint32_t>(bits));
    if (k + 1 < width) row[k + 1] = unit(static_cast<std::uint32_t>(bits >> 32));
  }
}

Tensor uniform_on_cpu(std::uint64_t seed, const Tensor& index, int64_t width) {
  const Tensor samples = index.to(at::kCPU).contiguous();
  Tensor rows = at::empty({samples.size(0), width}, at::kFloat);
  for (int64_t i = 0; i < samples.size(0); ++i) {
    const auto sample = static_cast<std::uint64_t>(samples.data_ptr<int64_t>()[i]);
    fill_uniform(derive_seed(seed, {sample}), rows.data_ptr<float>() + i * width, width);
  }
  return rows;
}

}  // namespace

std::uint64_t derive_seed(std::uint64_t seed, std::initializer_list<std::uint64_t> place) {
  // A bijection at every step, so two places that differ in one coordinate never share a seed.
  std::uint64_t state = mix(seed + golden);
  for (std::uint64_t coordinate : place) state = mix((state ^ mix(coordinate + golden)) + golden);
  return state;
}

at::Generator make_generator(std::uint64_t seed, std::initializer_list<std::uint64_t> place) {
  return at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, place));
}

Tensor uniform_rows(std::uint64_t seed, const Tensor& index, int64_t width, const Tensor& like) {
  return uniform_on_cpu(seed, index, width).to(like.device(), like.scalar_type());
}

Tensor normal_rows(std::uint64_t seed, const Tensor& index, int64_t width, const Tensor& like) {
  // Box and Muller (1958): a radius and an angle give two numbers.
  const int64_t half = (width + 1) / 2;
  const Tensor both = uniform_on_cpu(seed, index, 2 * half);
  const Tensor radius = both.slice(1, 0, half).log().mul_(-2).sqrt_();
  const Tensor angle = both.slice(1, half).mul(2 * std::numbers::pi);
  const Tensor rows = at::cat({radius * angle.cos(), radius * angle.sin()}, 1).slice(1, 0, width);
  return rows.to(like.device(), like.scalar_type());
}

}  // namespace reluctance
