// Training with its files: what `train` and `explain` share.
#pragma once

#include <filesystem>
#include <string>

#include "cli/options.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

// The network of --model, or a new one of --arch for the data.
Network starting_network(const CommonOptions& options, const Dataset& data);

struct TrainedNetwork {
  Network network;
  std::filesystem::path model;  // NAME.onnx
  std::string metrics;          // JSON lines
  double seconds;
  std::string diagnosis;  // JSON lines, or none
};

// Trains into the folder of --out: NAME.onnx, metrics.jsonl and checkpoint.npz, the latter two with
// "NAME." in front unless the name is "model". With `resume` it goes on from the checkpoint, if
// there is one. An interrupt leaves a checkpoint and says how to go on. With `diagnose` > 0 a line
// is added to diagnosis.jsonl every so many steps.
TrainedNetwork train_with_checkpoints(const Network& start, const Dataset& data,
                                      const TrainingOptions& options, const CommonOptions& common,
                                      const std::string& name, bool resume, int64_t diagnose = 0);

}  // namespace reluctance
