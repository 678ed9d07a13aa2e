#include "claims/paper/bench.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

#include "reluctance/base/error.hpp"
#include "reluctance/measure/raw_attack.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/theory/region_attack.hpp"

namespace reluctance {

PaperBench::PaperBench(const Network& network, const Samples& samples, const PaperOptions& options,
                       const Context& context)
    : steps_(options.steps), seed_(context.seed), network_(network.to(at::kCPU).to(at::kDouble)) {
  if (network.parameters().empty()) throw Error("the network has no parameters to train");
  // Twice as many as are wanted: some are wrong, and some no attack fools.
  const Samples tried = as_inputs(network_, samples.head(2 * options.images));
  const Tensor strengths = fooling_strengths(network_, tried, steps_, context.progress);
  const Tensor places = strengths.isfinite().nonzero().squeeze(1).slice(0, 0, options.images);
  samples_ = tried.rows(places);
  strength_ = strengths.index_select(0, places);
  if (count() == 0) return;
  region_ = linear_region(network_, samples_);
  spectrum_ = input_spectrum(region_);
  scalar_ = scalar_reduction(region_);
  for (const double share : shares) {
    courses_.emplace(share, measure_course(network_, samples_, step_size(share), steps_));
  }
}

Tensor PaperBench::step_size(double share) const {
  return strength(share) / static_cast<double>(steps_);
}

Tensor PaperBench::region_delta(double share) const {
  return perturbation(network_, region_, region_attack(region_, strength(share), steps_));
}

Tensor lengths(const Tensor& x) { return x.flatten(1).norm(2, 1); }

Tensor relative_errors(const Tensor& a, const Tensor& b) { return lengths(a - b) / lengths(b); }

Tensor scalar_errors(const Tensor& theory, const Tensor& real) {
  return (theory - real).abs() / real.abs();
}

Tensor cosines(const Tensor& a, const Tensor& b) {
  return (a * b).flatten(1).sum(1) / (lengths(a) * lengths(b));
}

namespace {

Tensor chosen(const Tensor& values, const Tensor& indices) {
  return values.index_select(0, indices);
}

}  // namespace

Check error_check(const std::string& what, const Tensor& errors, double most, std::uint64_t seed) {
  const int64_t left_out = errors.isfinite().logical_not().sum().item<int64_t>();
  const std::string note = left_out == 0 ? ""
                                         : " (" + std::to_string(left_out) + " of " +
                                               std::to_string(errors.size(0)) + " images left out)";
  return check(what + note, mean_interval(errors, seed), Check::Relation::at_most, most);
}

Interval median_interval(const Tensor& values, std::uint64_t seed) {
  return bootstrap(
      values.size(0),
      [&](const Tensor& indices) {
        const auto q = quantiles(chosen(values, indices));
        return q ? q->median : std::nan("");
      },
      seed);
}

PaperSeries over_shares(std::string name, const std::function<Tensor(double share)>& values_of) {
  PaperSeries series{std::move(name), {}};
  for (const double share : shares) {
    if (const auto q = quantiles(values_of(share))) series.points.push_back({share, *q});
  }
  return series;
}

PaperSeries over_columns(std::string name, const Tensor& x, const Tensor& values) {
  PaperSeries series{std::move(name), {}};
  for (int64_t k = 0; k < values.size(1); ++k) {
    const auto q = quantiles(values.select(1, k));
    if (q) series.points.push_back({x[k].item<double>(), *q});
  }
  return series;
}

PaperSeries by_image(std::string name, const Tensor& x, const Tensor& y) {
  PaperSeries series{std::move(name), {}};
  for (int64_t i = 0; i < x.size(0); ++i) {
    const auto value = y[i].item<double>();
    series.points.push_back({x[i].item<double>(), {value, value, value, value, value}});
  }
  return series;
}

}  // namespace reluctance
