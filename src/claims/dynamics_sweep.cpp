#include "claims/dynamics_sweep.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reluctance/base/chunks.hpp"
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
  Chunk(const Network& net, Tensor inputs, Tensor targets)
      : network(net),
        x(std::move(inputs)),
        labels(std::move(targets)),
        region(linear_region(net, x)),
        spectrum(input_spectrum(region, labels)),
        right(region.pass.logits.argmax(1).eq(labels)) {}

  // Share of ||w||^2 in the span of the top k eigenvectors, k = 1 .. tops: N x tops.
  Tensor top_shares(const Tensor& w) const {
    const Tensor squares = components(network, region, spectrum, w).square();
    const int64_t k = std::min(tops, squares.size(1));
    const Tensor shares = squares.slice(1, 0, k).cumsum(1) / norms(w).square().unsqueeze(1);
    return at::cat({shares, shares.slice(1, k - 1, k).expand({-1, tops - k})}, 1);
  }

  const Network& network;
  Tensor x, labels;
  LinearRegion region;
  InputSpectrum spectrum;
  Tensor right;
};

// Columns begin..end of the table at one strength.
void compare(const Chunk& chunk, double beta, const DynamicsOptions& options, Tensor table) {
  const auto put = [&](int64_t row, const Tensor& values) { table[row].copy_(values); };
  const int64_t steps = options.steps;
  const Tensor& lambda = chunk.spectrum.eigenvalues;
  const RawAttackResult real =
      measure_raw_attack(chunk.network, chunk.x, chunk.labels, beta, steps);
  const QuadraticSolution solution = quadratic_attack(chunk.region, chunk.labels, beta, steps);
  const std::array<Tensor, 3> theories{
      perturbation(chunk.network, chunk.region, solution.coefficients),
      perturbation(chunk.network, chunk.region,
                   region_attack(chunk.region, chunk.labels, beta, steps)),
      segmented_attack(chunk.network, chunk.x, chunk.labels, beta, steps, options.segments,
                       SegmentScheme::chord)};
  const Tensor out_of_range = solution.in_range.logical_not();

  put(row_beta_lambda, beta * lambda.select(1, 0));
  put(row_fooled, chunk.right.logical_and(real.predictions.ne(chunk.labels)));
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

int64_t dynamics_chunk(const Network& network) {
  constexpr int64_t on_cpu = 32;
  if (network.device().is_cpu()) {
    // Jacobians of many classes and pixels are large.
    constexpr int64_t bytes = int64_t{128} << 20;
    return std::clamp<int64_t>(bytes / (8 * network.classes() * network.inputs()), 1, on_cpu);
  }
  return std::max(on_cpu, samples_per_chunk(network) / (2 * network.classes()));
}

Tensor raw_attack_gates_flipped(const Network& network, const Tensor& x, const Tensor& labels,
                                double beta, int64_t steps) {
  Tensor flipped = at::empty({x.size(0)}, at::kDouble);
  const auto measure = [&](int64_t begin, int64_t end) {
    flipped.slice(0, begin, end)
        .copy_(measure_raw_attack(network, x.slice(0, begin, end), labels.slice(0, begin, end),
                                  beta, steps)
                   .gates_flipped);
  };
  for_each_chunk(network.device(), x.size(0), dynamics_chunk(network), measure);
  return flipped;
}

void sweep_dynamics(const Network& network, const Tensor& x, const Tensor& labels,
                    const std::vector<double>& betas, const DynamicsOptions& options,
                    DynamicsResult& result, const Progress& progress) {
  const int64_t samples = x.size(0);
  const auto strengths = static_cast<int64_t>(betas.size());
  const auto counts = static_cast<int64_t>(segment_counts.size());
  const auto doubles = at::TensorOptions().dtype(at::kDouble);
  Tensor table = at::full({strengths, rows, samples}, std::nan(""), doubles);
  Tensor segment_errors = at::empty({2, counts, samples}, doubles);
  Tensor spectrum = at::empty({samples, network.classes() - 1}, doubles);
  Tensor right = at::empty({samples}, at::TensorOptions().dtype(at::kBool));
  ProgressCounter counter(progress, samples * (strengths + counts));
  const auto sweep = [&](int64_t begin, int64_t end) {
    const Chunk chunk(network, x.slice(0, begin, end), labels.slice(0, begin, end));
    spectrum.slice(0, begin, end).copy_(chunk.spectrum.eigenvalues);
    right.slice(0, begin, end).copy_(chunk.right);
    for (int64_t k = 0; k < strengths && !interrupt_requested(); ++k) {
      compare(chunk, betas[static_cast<std::size_t>(k)], options, table[k].slice(1, begin, end));
      counter.add(end - begin);
    }
    const Tensor real =
        measure_raw_attack(network, chunk.x, chunk.labels, betas.back(), options.steps).delta;
    for (int64_t k = 0; k < counts && !interrupt_requested(); ++k) {
      for (SegmentScheme scheme : {SegmentScheme::tangent, SegmentScheme::chord}) {
        const Tensor theory =
            segmented_attack(network, chunk.x, chunk.labels, betas.back(), options.steps,
                             segment_counts[static_cast<std::size_t>(k)], scheme);
        segment_errors[scheme == SegmentScheme::tangent ? 0 : 1][k]
            .slice(0, begin, end)
            .copy_(relative_error(theory, real));
      }
      counter.add(end - begin);
    }
  };
  for_each_chunk(network.device(), samples, dynamics_chunk(network), sweep);
  check_interrupt();

  for (int64_t k = 0; k < spectrum.size(1); ++k) {
    result.spectrum.push_back(quantiles(spectrum.select(1, k)));
  }
  for (int64_t k = 0; k < strengths; ++k) {
    result.sweep.push_back(summarise(betas[static_cast<std::size_t>(k)], table[k], table[0],
                                     right.sum().item<int64_t>(), spectrum.size(1)));
  }
  for (int64_t k = 0; k < counts; ++k) {
    result.segment_errors.push_back({segment_counts[static_cast<std::size_t>(k)],
                                     quantiles(segment_errors[0][k]),
                                     quantiles(segment_errors[1][k])});
  }
}

}  // namespace reluctance
