// States of an ensemble on the disk, so that an evaluation can stop and go on.
#pragma once

#include <filesystem>
#include <string>

#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

// One NPZ file, replaced atomically. `settings`: everything that must be the same for a run to go
// on, one "key: value" a line.
void save_ensemble(const std::filesystem::path& path, const EnsembleState& state,
                   const std::string& settings);

// What was saved, for this network, samples and stages. The adversarial examples are asked again.
// Throws Error if the file is damaged, does not fit, or was saved with other settings.
EnsembleState load_ensemble(const std::filesystem::path& path, const std::string& settings,
                            const std::vector<Stage>& stages, const Network& network,
                            const Samples& samples);

}  // namespace reluctance
