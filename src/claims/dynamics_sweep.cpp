#include "claims/dynamics_sweep.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reluctance/base/processes.hpp"
#include "reluctance/base/shares.hpp"
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
constexpr std::array<double, 5> tolerances{0.3, 0.1, 0.03, 0.01, 0.003};

// One number per sample, in the rows of a table. A value that does not exist is NaN, which the
// quantiles leave out.
enum Row : int64_t {
  row_beta,
  row_beta_lambda,
  row_fooled,
  row_flipped,
  row_norm,
  row_outside,
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
  Chunk(const Network& whole, const DynamicsSweep& sweep, int64_t begin, int64_t end)
      : measured(whole),
        network(sweep.theory.network),
        inputs(sweep.samples.slice(begin, end)),
        samples(sweep.theory.samples.slice(begin, end)),
        strengths(sweep.strengths.slice(0, begin, end)),
        region(linear_region(network, samples)),
        spectrum(input_spectrum(region)) {}

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
  Tensor strengths;
  LinearRegion region;
  InputSpectrum spectrum;
};

// The table at one share of the strengths: rows x n.
Tensor compare(const Chunk& chunk, double relative, const DynamicsOptions& options) {
  Tensor table = at::full({rows, chunk.samples.count()}, std::nan(""), at::kDouble);
  const auto put = [&](int64_t row, const Tensor& values) { table[row].copy_(values); };
  const int64_t steps = options.steps;
  const Tensor beta = relative * chunk.strengths;
  const Tensor& lambda = chunk.spectrum.eigenvalues;
  const RawAttackResult real = measure_raw_attack(chunk.measured, chunk.inputs, beta, steps);
  const QuadraticSolution solution = quadratic_attack(chunk.region, beta, steps);
  const std::array<Tensor, 3> theories{
      perturbation(chunk.network, chunk.region, solution.coefficients),
      perturbation(chunk.network, chunk.region, region_attack(chunk.region, beta, steps)),
      segmented_attack(chunk.network, chunk.samples, beta, steps).delta};
  const Tensor attacked = chunk.inputs.images.to(at::kCPU) + real.delta;
  const Tensor out_of_range = solution.in_range.logical_not();

  put(row_beta, beta);
  put(row_beta_lambda, beta * lambda.select(1, 0));
  put(row_fooled, real.predictions.ne(chunk.inputs.labels));
  put(row_flipped, real.gates_flipped);
  put(row_norm, norms(real.delta));
  put(row_outside, norms(attacked - attacked.clamp(0, 1)) / norms(real.delta));
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
  const Tensor alpha = beta.unsqueeze(1) / static_cast<double>(steps);
  const Tensor predicted = at::exp(static_cast<double>(steps) * at::log1p(alpha * lambda));
  for (int64_t k = 0; k < std::min(growing, lambda.size(1)); ++k) {
    put(row_predicted + k, predicted.select(1, k));
    put(row_measured + k, measured.select(1, k));
  }
  return table;
}

// Error and cost of the solution in segments at the fooling strengths: tolerances x 4 x n.
Tensor segment_errors_of(const Chunk& chunk, int64_t steps, ProgressCounter& counter) {
  const Tensor real =
      measure_raw_attack(chunk.measured, chunk.inputs, chunk.strengths, steps).delta;
  Tensors all;
  for (const double tolerance : tolerances) {
    check_interrupt();
    const SegmentedAttack theory =
        segmented_attack(chunk.network, chunk.samples, chunk.strengths, steps, {tolerance});
    all.push_back(at::stack(
        {relative_error(theory.delta, real), theory.segments, theory.forward, theory.backward}));
    counter.add(chunk.samples.count());
  }
  return at::stack(all);
}

DynamicsStrength summarise(double relative, const Tensor& table, const Tensor& weakest,
                           int64_t components) {
  const auto q = [&](int64_t row) { return quantiles(table[row]); };
  const auto mean = [&](int64_t row) { return table[row].mean().item<double>(); };
  const auto agreement = [&](int64_t k) { return Agreement{q(row_error + k), q(row_cosine + k)}; };
  DynamicsStrength strength{};
  strength.relative = relative;
  strength.beta = q(row_beta);
  strength.beta_lambda = q(row_beta_lambda);
  strength.fooled = mean(row_fooled);
  strength.gates_flipped_share = mean(row_flipped);
  strength.gates_flipped = q(row_flipped);
  strength.norm = q(row_norm);
  strength.leaves_box = table[row_outside].gt(0).to(at::kDouble).mean().item<double>();
  strength.outside = q(row_outside);
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

Tensor raw_attack_gates_flipped(const Network& network, const Samples& samples, const Tensor& beta,
                                int64_t steps) {
  return map_shares(dynamics_chunks(network, samples.count()), [&](int64_t begin, int64_t end) {
    return Tensors{
        measure_raw_attack(network, samples.slice(begin, end), beta.slice(0, begin, end), steps)
            .gates_flipped};
  })[0];
}

DynamicsResult sweep_dynamics(const Network& network, const DynamicsSweep& sweep,
                              const DynamicsOptions& options, const Progress& progress) {
  const auto& [samples, theory, fooling, relative] = sweep;
  const auto shares = static_cast<int64_t>(relative.size());
  const auto tried = static_cast<int64_t>(tolerances.size());
  // Each process tells of its own samples.
  const int64_t processes = divides() ? launch().count : 1;
  ProgressCounter counter(progress, samples.count() * (shares + tried) / processes);
  const auto chunk_numbers = [&](int64_t begin, int64_t end) -> Tensors {
    const Chunk chunk(network, sweep, begin, end);
    Tensors tables;
    for (const double share : sweep.relative) {
      check_interrupt();
      tables.push_back(compare(chunk, share, options));
      counter.add(end - begin);
    }
    const Tensor errors = segment_errors_of(chunk, options.steps, counter);
    return {chunk.spectrum.eigenvalues, at::stack(tables).permute({2, 0, 1}),
            errors.permute({2, 0, 1})};
  };
  const Tensors all = map_shares(dynamics_chunks(theory.network, samples.count()), chunk_numbers);
  counter.tell();
  const Tensor& spectrum = all[0];
  const Tensor table = all[1].permute({1, 2, 0});     // shares x rows x N
  const Tensor segments = all[2].permute({1, 2, 0});  // tolerances x 4 x N

  DynamicsResult result{};
  result.steps = options.steps;
  result.tolerance = SegmentOptions{}.tolerance;
  for (int64_t k = 0; k < spectrum.size(1); ++k) {
    result.spectrum.push_back(quantiles(spectrum.select(1, k)));
  }
  for (int64_t k = 0; k < shares; ++k) {
    result.sweep.push_back(
        summarise(relative[static_cast<std::size_t>(k)], table[k], table[0], spectrum.size(1)));
  }
  for (int64_t k = 0; k < tried; ++k) {
    const auto mean = [&](int64_t cost) { return segments[k][cost].mean().item<double>(); };
    result.segment_errors.push_back({tolerances[static_cast<std::size_t>(k)],
                                     quantiles(segments[k][0]), mean(1), mean(2), mean(3)});
  }
  const auto row = [&](int64_t k) { return table.select(1, k).contiguous(); };
  const Tensor top_share = table.slice(1, row_top_real, row_top_real + tops);
  result.arrays = {{"strength", fooling},
                   {"relative", at::tensor(relative, at::kDouble)},
                   {"gates_flipped", row(row_flipped)},
                   {"norm", row(row_norm)},
                   {"error_quadratic", row(row_error)},
                   {"error_region", row(row_error + 1)},
                   {"error_segments", row(row_error + 2)},
                   {"top_share", top_share.transpose(1, 2).contiguous()}};
  return result;
}

}  // namespace reluctance
