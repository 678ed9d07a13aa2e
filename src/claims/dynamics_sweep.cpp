#include "claims/dynamics_sweep.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reluctance/measure/raw_attack.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/input_spectrum.hpp"
#include "reluctance/theory/quadratic.hpp"
#include "reluctance/theory/region_attack.hpp"
#include "reluctance/theory/segments.hpp"

namespace reluctance {
namespace {

constexpr int64_t tops = 3;     // shares in the top 1, 2, 3 eigenvectors
constexpr int64_t growing = 5;  // components whose growth is followed
constexpr std::array<int64_t, 5> segment_counts{1, 2, 4, 8, 16};

// One number per sample, in the rows of a table. A value that does not exist is NaN, which the
// quantiles leave out.
enum Row : int64_t {
  row_beta_lambda,
  row_fooled,
  row_flipped,
  row_norm,
  row_in_range,
  row_error,                      // quadratic, region, segments
  row_cosine = row_error + 3,     // the same
  row_top_real = row_cosine + 3,  // top 1, 2, 3
  row_top_quadratic = row_top_real + tops,
  row_top_region = row_top_quadratic + tops,
  row_predicted = row_top_region + tops,
  row_measured = row_predicted + growing,
  rows = row_measured + growing,
};

Tensor norms(const Tensor& w) { return w.flatten(1).norm(2, 1); }

Tensor relative_error(const Tensor& theory, const Tensor& real) {
  return norms(theory - real) / norms(real);
}

// What belongs to a chunk of samples whatever the strength.
struct Chunk {
  Chunk(const Compared& compared, int64_t begin, int64_t end)
      : measured(compared.network),
        network(compared.theory.network),
        inputs(compared.samples.slice(begin, end)),
        samples(compared.theory.samples.slice(begin, end)),
        region(linear_region(network, samples)),
        spectrum(input_spectrum(region)),
        right(region.pass.logits.argmax(1).eq(samples.labels)) {}

  // Share of ||w||^2 in the span of the top k eigenvectors, k = 1 .. tops: N x tops.
  Tensor top_shares(const Tensor& w) const {
    const Tensor squares = components(network, region, spectrum, w).square();
    const int64_t k = std::min(tops, squares.size(1));
    const Tensor shares = squares.slice(1, 0, k).cumsum(1) / norms(w).square().unsqueeze(1);
    return at::cat({shares, shares.slice(1, k - 1, k).expand({-1, tops - k})}, 1);
  }

  const Network& measured;
  const Network& network;   // of the classes that the theory follows
  Samples inputs, samples;  // of these two
  LinearRegion region;
  InputSpectrum spectrum;
  Tensor right;
};

// The table at one strength: rows x n.
Tensor compare(const Chunk& chunk, double beta, const DynamicsOptions& options) {
  Tensor table = at::full({rows, chunk.samples.count()}, std::nan(""), at::kDouble);
  const auto put = [&](int64_t row, const Tensor& values) { table[row].copy_(values); };
  const int64_t steps = options.steps;
  const Tensor& lambda = chunk.spectrum.eigenvalues;
  const RawAttackResult real = measure_raw_attack(chunk.measured, chunk.inputs, beta, steps);
  const QuadraticSolution solution = quadratic_attack(chunk.region, beta, steps);
  const std::array<Tensor, 3> theories{
      perturbation(chunk.network, chunk.region, solution.coefficients),
      perturbation(chunk.network, chunk.region, region_attack(chunk.region, beta, steps)),
      segmented_attack(chunk.network, chunk.samples, beta, steps, {.segments = options.segments})};
  const Tensor out_of_range = solution.in_range.logical_not();

  put(row_beta_lambda, beta * lambda.select(1, 0));
  put(row_fooled, chunk.right.logical_and(real.predictions.ne(chunk.inputs.labels)));
  put(row_flipped, real.gates_flipped);
  put(row_norm, norms(real.delta));
  put(row_in_range, solution.in_range);
  for (std::size_t k = 0; k < theories.size(); ++k) {
    const auto offset = static_cast<int64_t>(k);
    const Tensor product = (theories[k] * real.delta).flatten(1).sum(1);
    put(row_error + offset, relative_error(theories[k], real.delta));
    put(row_cosine + offset, product / (norms(theories[k]) * norms(real.delta)));
  }
  const Tensor shares_real = chunk.top_shares(real.delta);
  const Tensor shares_quadratic = chunk.top_shares(theories[0]);
  const Tensor shares_region = chunk.top_shares(theories[1]);
  for (int64_t k = 0; k < tops; ++k) {
    put(row_top_real + k, shares_real.select(1, k));
    put(row_top_quadratic + k, shares_quadratic.select(1, k));
    put(row_top_region + k, shares_region.select(1, k));
  }
  for (int64_t row : {int64_t{row_error}, int64_t{row_cosine}, int64_t{row_top_quadratic},
                      int64_t{row_top_quadratic} + 1, int64_t{row_top_quadratic} + 2}) {
    table[row].masked_fill_(out_of_range, std::nan(""));
  }

  // Components that the gradient hardly has tell nothing about growth.
  const Tensor& before = chunk.spectrum.gradient;
  const Tensor present = before.abs() > 1e-6 * before.norm(2, 1, /*keepdim=*/true);
  const Tensor after = components(chunk.network, chunk.region, chunk.spectrum, real.gradient);
  const Tensor missing = at::full_like(before, std::nan(""));
  const Tensor measured = at::where(present, after / before, missing);
  const double alpha = beta / static_cast<double>(steps);
  const Tensor predicted = at::exp(static_cast<double>(steps) * at::log1p(alpha * lambda));
  for (int64_t k = 0; k < std::min(growing, lambda.size(1)); ++k) {
    put(row_predicted + k, predicted.select(1, k));
    put(row_measured + k, measured.select(1, k));
  }
  return table;
}

// Errors of the solution in segments, by scheme and their number: 2 x counts x n.
Tensor segment_errors_of(const Chunk& chunk, double beta, int64_t steps, ProgressCounter& counter) {
  const Tensor real = measure_raw_attack(chunk.measured, chunk.inputs, beta, steps).delta;
  Tensors errors;
  for (const SegmentScheme scheme : {SegmentScheme::tangent, SegmentScheme::chord}) {
    for (const int64_t segments : segment_counts) {
      check_interrupt();
      const SegmentOptions options{segments, scheme};
      errors.push_back(relative_error(
          segmented_attack(chunk.network, chunk.samples, beta, steps, options), real));
      if (scheme == SegmentScheme::chord) counter.add(chunk.samples.count());
    }
  }
  const auto counts = static_cast<int64_t>(segment_counts.size());
  return at::stack(errors).view({2, counts, chunk.samples.count()});
}

DynamicsStrength summarise(double beta, const Tensor& table, const Tensor& weakest, int64_t right,
                           int64_t components) {
  const auto q = [&](int64_t row) { return quantiles(table[row]); };
  const auto mean = [&](int64_t row) { return table[row].mean().item<double>(); };
  const auto agreement = [&](int64_t k) { return Agreement{q(row_error + k), q(row_cosine + k)}; };
  DynamicsStrength strength{};
  strength.beta = beta;
  strength.beta_lambda = q(row_beta_lambda);
  strength.fooled =
      right > 0 ? table[row_fooled].sum().item<double>() / static_cast<double>(right) : 0;
  strength.gates_flipped_share = mean(row_flipped);
  strength.gates_flipped = q(row_flipped);
  strength.norm = q(row_norm);
  strength.quadratic = agreement(0);
  strength.region = agreement(1);
  strength.segments = agreement(2);
  strength.outside_range = 1 - mean(row_in_range);
  for (int64_t k = 0; k < tops; ++k) {
    strength.top_share_real.push_back(q(row_top_real + k));
    strength.top_share_quadratic.push_back(q(row_top_quadratic + k));
    strength.top_share_region.push_back(q(row_top_region + k));
  }
  for (int64_t k = 0; k < std::min(growing, components); ++k) {
    strength.growth.push_back({q(row_predicted + k), q(row_measured + k)});
  }
  strength.turned =
      table[row_top_real].gt(weakest[row_top_real]).to(at::kDouble).mean().item<double>();
  return strength;
}

}  // namespace

Chunks dynamics_chunks(const Network& network, int64_t count, ProgressCounter* progress) {
  constexpr int64_t on_cpu = 32;
  Chunks chunks = chunks_of(network, count, progress);
  if (network.device().is_cpu()) {
    // Jacobians of many classes and pixels are large.
    constexpr int64_t bytes = int64_t{128} << 20;
    chunks.size =
        std::clamp<int64_t>(bytes / (8 * network.classes() * network.inputs()), 1, on_cpu);
  } else {
    chunks.size = std::max(on_cpu, chunks.size / (2 * network.classes()));
  }
  return chunks;
}

Tensor raw_attack_gates_flipped(const Network& network, const Samples& samples, double beta,
                                int64_t steps) {
  return map_chunks(dynamics_chunks(network, samples.count()), [&](int64_t begin, int64_t end) {
    return Tensors{
        measure_raw_attack(network, samples.slice(begin, end), beta, steps).gates_flipped};
  })[0];
}

DynamicsResult sweep_dynamics(const Compared& compared, const std::vector<double>& betas,
                              const DynamicsOptions& options, const Progress& progress) {
  const Samples& samples = compared.samples;
  const auto counts = static_cast<int64_t>(segment_counts.size());
  const auto strengths = static_cast<int64_t>(betas.size());
  ProgressCounter counter(progress, samples.count() * (strengths + counts));
  const auto sweep = [&](int64_t begin, int64_t end) -> Tensors {
    const Chunk chunk(compared, begin, end);
    Tensors tables;
    for (const double beta : betas) {
      check_interrupt();
      tables.push_back(compare(chunk, beta, options));
      counter.add(end - begin);
    }
    const Tensor errors = segment_errors_of(chunk, betas.back(), options.steps, counter);
    return {chunk.spectrum.eigenvalues, chunk.right.to(at::kCPU),
            at::stack(tables).permute({2, 0, 1}), errors.permute({2, 0, 1})};
  };
  const Tensors all = map_chunks(dynamics_chunks(compared.theory.network, samples.count()), sweep);
  counter.tell();
  const Tensor& spectrum = all[0];
  const auto right = all[1].sum().item<int64_t>();
  const Tensor table = all[2].permute({1, 2, 0});           // strengths x rows x N
  const Tensor segment_errors = all[3].permute({1, 2, 0});  // 2 x counts x N

  DynamicsResult result{};
  result.samples = samples.count();
  result.steps = options.steps;
  result.sweep_segments = options.segments;
  for (int64_t k = 0; k < spectrum.size(1); ++k) {
    result.spectrum.push_back(quantiles(spectrum.select(1, k)));
  }
  for (int64_t k = 0; k < strengths; ++k) {
    result.sweep.push_back(
        summarise(betas[static_cast<std::size_t>(k)], table[k], table[0], right, spectrum.size(1)));
  }
  for (int64_t k = 0; k < counts; ++k) {
    result.segment_errors.push_back({segment_counts[static_cast<std::size_t>(k)],
                                     quantiles(segment_errors[0][k]),
                                     quantiles(segment_errors[1][k])});
  }
  const auto row = [&](int64_t k) { return table.select(1, k).contiguous(); };
  result.arrays = {{"beta", at::tensor(betas, at::kDouble)},
                   {"gates_flipped", row(row_flipped)},
                   {"norm", row(row_norm)},
                   {"fooled", row(row_fooled).to(at::kBool)},
                   {"error_quadratic", row(row_error)},
                   {"error_region", row(row_error + 1)},
                   {"error_segments", row(row_error + 2)}};
  return result;
}

}  // namespace reluctance
