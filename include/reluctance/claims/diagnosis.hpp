// Watches a training: how near its learning rate is to the critical one, and whether it oscillates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/claims/felt_curvature.hpp"

namespace reluctance {

struct DiagnosisOptions {
  int64_t every = 100;    // steps; and at 1, 2, 4, ... before, where curvature changes fast
  Objective objective{};  // of the training
  double momentum = 0;
  int64_t top = 3;  // eigenvectors whose projections are followed
  int64_t memory = default_curvature_memory;
  std::uint64_t seed = 0;
};

// What a line of a diagnosis says about the learning rate.
struct WatchedStep {
  int64_t step;
  double learning_rate;
  double rate_times_curvature;  // of the curvature that the training felt
  double critical;              // what that may not exceed
};

// Lines that are broken, or lack one of these, are left out.
std::vector<WatchedStep> watched_steps(const std::string& lines);

// Asks for the curvatures on a fixed batch at every so many steps, and follows each update in
// between along the top eigenvectors of the last one. `seconds` in a line is what asking took.
class Diagnosis {
 public:
  // samples: inputs of the networks that are trained.
  Diagnosis(Samples samples, DiagnosisOptions options);

  // After each step of the training, with the learning rate it was taken at. True if a line was
  // added. Asking can be interrupted: then the line is missing, and nothing else.
  bool after_step(const TrainingState& state, double learning_rate);

  // Its parts, for whoever asks at other steps. Updates are followed from step to step; where steps
  // are left out between two calls of `follow`, the second `begins` anew. `ask` adds a line;
  // `critical` is what rate times curvature may not exceed, NaN where that is not known.
  void follow(const TrainingState& state, double learning_rate, bool begins = false);
  void ask(const TrainingState& state, double critical);

  // Whether that step is one to ask at.
  bool is_due(int64_t step) const;

  // Asks what an interrupt kept from being asked at the state's step. True if a line was added.
  bool catch_up(const TrainingState& state);

  // JSON objects, one a line (docs/results.md, "diagnosis").
  const std::string& lines() const { return lines_; }

  // What is followed between two questions, for TrainingState::followed.
  NamedTensors followed() const;

  // Goes on from what an earlier run followed, and from its lines up to there. Throws Error if that
  // is of another training.
  void resume(const std::string& lines, const TrainingState& state);

 private:
  double critical_of_training() const { return 2 * (1 + options_.momentum); }

  Samples samples_;
  DiagnosisOptions options_;
  std::string lines_;
  Tensor parameters_, update_;  // of the last step, as one vector
  Tensor vectors_;              // top x P
  Tensor projections_;          // of the last update on them
  int64_t asked_ = 0;           // the step of the last line
  int64_t compared_ = 0, opposed_ = 0, projected_ = 0;
  double cosine_sum_ = 0;
  double learning_rate_ = 0;  // of the last step
  Tensor flips_;              // top: how often the projection changed sign
};

}  // namespace reluctance
