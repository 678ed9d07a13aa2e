// What a training descends and how it is watched, as every door asks for it.
#pragma once

#include <cstdint>

#include "reluctance/claims/diagnosis.hpp"
#include "reluctance/jobs/attacks.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

// What training descends, for an attack or "none". Throws Error for a loss that is not trained on.
Objective objective_of(const AttackOptions& attack, double label_smoothing);

// The diagnosis of such a training, every so many steps and on the first `watched_samples`.
// `memory`: GiB that the work may take.
inline constexpr int64_t watched_samples = 512;
DiagnosisOptions diagnosis_of(const TrainingOptions& training, int64_t every, double memory);

// Training under an attack that carries on takes one step of its steps' share where no length is
// given.
void settle_step_size(const TrainingOptions& training, AttackOptions& attack);

}  // namespace reluctance
