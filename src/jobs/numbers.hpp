// The numbers of each job as JSON, to be added to a record of the run (jobs/record.hpp), and its
// arrays, by the names that files use.
#pragma once

#include "reluctance/jobs/eigenpairs.hpp"
#include "reluctance/jobs/evaluation.hpp"
#include "reluctance/measure/robustness.hpp"
#include "report/json.hpp"

namespace reluctance {

Json numbers_of(const Evaluation& evaluation, const AttackOptions& attack);
Json numbers_of(const RobustnessCurve& curve);
Json numbers_of(const DynamicsComparison& comparison, double beta, int64_t steps);
Json numbers_of(const InfluenceComparison& comparison, const GradientAscent& attack);
Json numbers_of(const CurvatureAnswer& answer, const std::string& matrix);

// `adversarial` (shaped as the images), `success`, `felled_by`, `target`, `distance` in the ball's
// norm and `logits`, on the CPU.
NamedTensors arrays_of(const Evaluation& evaluation, const Network& network, const Samples& samples,
                       const Ball& ball);
// `adversarial` and `distance`.
NamedTensors arrays_of(const RobustnessCurve& curve, const Samples& samples);

}  // namespace reluctance
