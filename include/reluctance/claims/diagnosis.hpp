// Watches a training: how near its learning rate is to the critical one, and whether it oscillates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "reluctance/attack/attack.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

struct DiagnosisOptions {
  int64_t every = 100;           // steps
  std::optional<Attack> attack;  // of the training
  double momentum = 0;
  int64_t top = 3;  // eigenvectors whose projections are followed
  int64_t memory = int64_t{2} << 30;
  std::uint64_t seed = 0;
};

// Asks for the curvatures on a fixed batch at every so many steps, and follows each update in
// between along the top eigenvectors of the last one. `seconds` in a line is what asking took.
class Diagnosis {
 public:
  Diagnosis(Tensor images, Tensor labels, DiagnosisOptions options);

  // After each step of the training, with the learning rate it was taken at. True if a line was
  // added.
  bool after_step(const TrainingState& state, double learning_rate);

  // JSON objects, one a line (docs/results.md, "diagnosis").
  const std::string& lines() const { return lines_; }

  // Lines of an earlier run up to `step`, to go on from.
  void resume(const std::string& lines, int64_t step);

 private:
  void ask(const TrainingState& state, double learning_rate);

  Tensor images_, labels_;
  DiagnosisOptions options_;
  std::string lines_;
  Tensor parameters_, update_;  // of the last step, as one vector
  Tensor vectors_;              // top x P
  Tensor projections_;          // of the last update on them
  int64_t compared_ = 0, opposed_ = 0, projected_ = 0;
  double cosine_sum_ = 0;
  Tensor flips_;  // top: how often the projection changed sign
};

}  // namespace reluctance
