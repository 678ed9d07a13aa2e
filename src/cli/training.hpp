// Training with its files: what `train` and `explain` share.
#pragma once

#include <filesystem>
#include <string>

#include "cli/options.hpp"
#include "reluctance/data/dataset.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance {

// The network of --model, or a new one of --arch for the data.
Network starting_network(const CommonOptions& options, Dataset& data);

struct TrainedNetwork {
  Network network;
  std::filesystem::path model;  // NAME.onnx
  std::string metrics;          // JSON lines
  double seconds;
  std::string diagnosis;  // JSON lines, or none
};

// The files of a training: NAME.onnx, metrics.jsonl and checkpoint.npz, the latter two with "NAME."
// in front unless the name is "model".
struct TrainingFiles {
  std::filesystem::path folder;
  std::string name;
  bool resume;       // go on from the checkpoint, if there is one
  int64_t diagnose;  // add a line to diagnosis.jsonl every so many steps; 0: never
  double memory;     // GiB that the work may take
};

// An interrupt leaves a checkpoint and says how to go on.
TrainedNetwork train_with_checkpoints(const Network& start, const Dataset& data,
                                      const TrainingOptions& options, const TrainingFiles& files);

}  // namespace reluctance
