// The small trainings and measurements that the findings share.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "claims/conclude.hpp"
#include "reluctance/claims/findings.hpp"
#include "reluctance/measure/statistics.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

// A small training. Perturbations of size zero mean plain training.
struct Recipe {
  std::vector<int64_t> hidden{64, 64};  // widths of a perceptron; none: a linear classifier
  int64_t classes = 0;                  // 0: those of the data
  Ball ball{Norm::linf, 0};
  bool single_step = false;  // the fast gradient sign method without random start, not PGD
  int64_t images = 5000, epochs = 10;
  double learning_rate = 0.05, weight_decay = 5e-4, label_smoothing = 0;
  std::uint64_t repetition = 0;  // seeds of weights and order
};

class Laboratory {
 public:
  explicit Laboratory(const FindingSetting& setting) : setting_(setting) {}

  const FindingSetting& setting() const { return setting_; }

  // The network at hand, in float64.
  Network subject();

  // The first ones.
  Samples training(int64_t count) const { return setting_.training.head(count); }
  Samples held_out(int64_t count = 1000) const { return setting_.held_out.head(count); }

  // The network that the recipe gives, trained once however often it is asked for.
  Network trained(const Recipe& recipe);

  // The same on other images, or step by step: a new network, and what trains it.
  Network trained_on(const Samples& samples, const Recipe& recipe) const;
  TrainingOptions options_of(const Recipe& recipe) const;
  TrainingState start_of(const Recipe& recipe) const;

  // Calls body once for each repetition.
  void repeat(const std::function<void(std::uint64_t repetition)>& body) const;

 private:
  FindingSetting setting_;
  std::map<std::string, Network> trained_;
};

// The budgets of adversarial training here: a usual one for each norm.
inline constexpr double usual_linf = 0.05;
inline constexpr double usual_l2 = 0.5;

// Shares in [0, 1]; robust accuracy under PGD of 20 steps.
double clean_share(const Network& network, const Samples& samples);
double robust_share(const Network& network, const Samples& samples, const Ball& ball);

// Largest eigenvalue of the curvature that training feels under plain_pgd of ten steps within the
// ball (under none for size zero). Float64.
double largest_curvature(const Network& network, const Samples& samples, const Ball& ball);

// Slope of the least-squares line of y over x.
double trend(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace reluctance
