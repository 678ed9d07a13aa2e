// Clean and robust accuracy by any attack, and whether to trust them: the job of `evaluate`.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "reluctance/base/progress.hpp"
#include "reluctance/jobs/attacks.hpp"
#include "reluctance/measure/audit.hpp"
#include "reluctance/measure/validity.hpp"

namespace reluctance {

// Of `standard`'s audit where nobody says otherwise.
inline constexpr double audited_points = 1;
// Of the images of a data set, what the cascade's starts lead towards: enough to have every class
// many times.
inline constexpr int64_t most_guides = 1000;

struct EvaluationOptions {
  AttackOptions attack{"standard"};
  std::optional<double> audit{};  // points that the audit's bound is to stay below; `standard` only
  std::uint64_t seed = 0;
  Parts parts{};
  KeptRuns kept{};  // 0: of the attack itself, from 1 on those of its audit
};

struct Evaluation {
  EnsembleResult result;
  std::optional<Share> success;  // of an attack towards a class: the samples that end as it
  int64_t by_rounding = 0;       // see decided_by_rounding
  std::optional<Audit> audit;    // of the cascade
  PassCount passes;              // without the audit's
  double processor;              // seconds of all threads and processes, likewise
  std::vector<Flag> flags;
};

// Throws Error for an attack that is unknown or does not take what was given, and for an audit of
// another attack than `standard`.
void require_evaluation(const EvaluationOptions& options);

// The samples that an attack towards a class is asked about: those of other classes, with that one
// as their target; and the note of how many were left out. Throws Error if the network has no such
// class, or the data no other.
Samples towards_target(const Samples& samples, int64_t target, int64_t classes);
std::string left_out(int64_t target, int64_t count);

// samples: images of N x any shape that fits the network; `guides` likewise, M of them. Throws
// Interrupted when asked to stop.
Evaluation evaluate(const Network& network, const Samples& samples, const Tensor& guides,
                    const EvaluationOptions& options);

}  // namespace reluctance
