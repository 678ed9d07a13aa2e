// training.json: how a network was trained, left beside it by `train` and read by `explain --run`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "reluctance/jobs/attacks.hpp"
#include "reluctance/report/results.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

struct FinishedTraining {
  TrainingOptions options;          // with the attack
  std::optional<double> seconds{};  // not kept: the same command writes the same bytes
  std::string diagnosis;            // the lines of diagnosis.jsonl, or none
};

// `attack` and the label smoothing say what made the objective.
std::string training_record(const TrainingOptions& options, const AttackOptions& attack,
                            double label_smoothing);

// What lies in the folder. Throws Error naming the file and the key at fault.
FinishedTraining read_training(const std::filesystem::path& folder);

// For the report.
TrainingInfo training_info(const FinishedTraining& training);

}  // namespace reluctance
