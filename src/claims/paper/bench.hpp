// What the statements of the paper are tested on: images, each attacked at shares of its own
// smallest fooling strength, with the theory and the measurements that several statements share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "claims/conclude.hpp"
#include "reluctance/claims/paper.hpp"
#include "reluctance/measure/attack_course.hpp"
#include "reluctance/theory/input_spectrum.hpp"
#include "reluctance/theory/scalar_reduction.hpp"

namespace reluctance {

// Shares of the fooling strength at which statements are judged, and those that charts show.
inline constexpr double weak = 0.1;
inline constexpr double moderate = 0.3;
inline constexpr double full = 1.0;
inline const std::vector<double> shares{0.03, weak, moderate, 0.6, full};

// The ball of attacks that steps are normalised in.
inline constexpr double paper_radius = 0.5;

class PaperBench {
 public:
  // The context's progress counts images whose fooling strength is sought.
  PaperBench(const Network& network, const Samples& samples, const PaperOptions& options,
             const Context& context);

  int64_t count() const { return samples_.count(); }  // N
  int64_t steps() const { return steps_; }
  std::uint64_t seed() const { return seed_; }

  // All in float64, on the CPU.
  const Network& network() const { return network_; }
  const Samples& samples() const { return samples_; }
  const LinearRegion& region() const { return region_; }
  const InputSpectrum& spectrum() const { return spectrum_; }
  const ScalarReduction& scalar() const { return scalar_; }

  Tensor strength(double share) const { return share * strength_; }  // beta: N
  Tensor step_size(double share) const;                              // alpha: N
  const AttackCourse& course(double share) const { return courses_.at(share); }

  // What the C x C recursion gives at that share: N x input shape.
  Tensor region_delta(double share) const;

 private:
  int64_t steps_;
  std::uint64_t seed_;
  Network network_;
  Samples samples_;
  Tensor strength_;
  LinearRegion region_;
  InputSpectrum spectrum_;
  ScalarReduction scalar_;
  std::map<double, AttackCourse> courses_;
};

// Lengths of the rows of N x input shape, and ||a - b|| / ||b|| and the cosine of each.
Tensor lengths(const Tensor& x);
Tensor relative_errors(const Tensor& a, const Tensor& b);
Tensor cosines(const Tensor& a, const Tensor& b);

// |theory - real| / |real| of numbers of either sign.
Tensor scalar_errors(const Tensor& theory, const Tensor& real);

// That the mean of relative errors is at most so much. Says how many are left out: those that are
// not finite, where the loss to second order is out of range or a real change is lost in rounding.
Check error_check(const std::string& what, const Tensor& errors, double most, std::uint64_t seed);

// The median with its interval.
Interval median_interval(const Tensor& values, std::uint64_t seed);

// What `values_of(share)` gives for each image (N), as quantiles at each of the shares.
PaperSeries over_shares(std::string name, const std::function<Tensor(double share)>& values_of);
// Quantiles of the columns of N x K over x (K).
PaperSeries over_columns(std::string name, const Tensor& x, const Tensor& values);
// One point for each image.
PaperSeries by_image(std::string name, const Tensor& x, const Tensor& y);

}  // namespace reluctance
