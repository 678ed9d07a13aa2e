// Training states on the disk, so that a training can stop and go on.
#pragma once

#include <filesystem>
#include <string>

#include "reluctance/train/trainer.hpp"

namespace reluctance {

// What must be the same for a training to go on: everything of the options that changes a step, and
// `subject`, which names data and architecture. One "key: value" a line.
std::string training_settings(const TrainingOptions& options, const std::string& subject);

// One NPZ file with parameters, velocities, counters, metrics and settings, replaced atomically.
void save_checkpoint(const std::filesystem::path& path, const TrainingState& state,
                     const std::string& settings);

// The saved state, in the architecture of `network`. Throws Error if the file is damaged, belongs
// to another architecture, or was saved with other settings (naming the first that differs).
TrainingState load_checkpoint(const std::filesystem::path& path, const Network& network,
                              const std::string& settings);

}  // namespace reluctance
