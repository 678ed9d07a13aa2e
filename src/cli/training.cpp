#include "cli/training.hpp"

#include <ATen/ATen.h>

#include <chrono>
#include <optional>

#include "cli/console.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/claims/diagnosis.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/network/onnx.hpp"
#include "reluctance/train/checkpoint.hpp"

namespace reluctance {

Network starting_network(const CommonOptions& options, const Dataset& data) {
  if (!options.model.empty()) return load_network(options, data);
  ArchitectureOptions architecture = options.architecture;
  architecture.input_shape = sample_shape(data);
  architecture.classes = data.classes;
  architecture.seed = options.seed;
  const Network network = make_network(architecture);
  return options.device == "cpu" ? network : network.to(c10::Device(options.device));
}

TrainedNetwork train_with_checkpoints(const Network& start, const Dataset& data,
                                      const TrainingOptions& options, const CommonOptions& common,
                                      const std::string& name, bool resume, int64_t diagnose) {
  const std::filesystem::path folder = common.out;
  const std::string prefix = name == "model" ? "" : name + ".";
  const std::filesystem::path model = folder / (name + ".onnx");
  const std::filesystem::path checkpoint = folder / (prefix + "checkpoint.npz");
  const std::string subject = summary(start) + " on " + data.name + " " + checksum(data);
  const std::string settings = training_settings(options, subject);

  TrainingState state{start, {}, 0, 0, 0, {}};
  if (resume && !std::filesystem::exists(checkpoint)) {
    note(checkpoint.string() + ": no such file; training starts from the beginning");
  } else if (resume) {
    state = load_checkpoint(checkpoint, start, settings);
    note("going on from step " + std::to_string(state.step) + " of " +
         std::to_string(total_steps(options, data.images.size(0))));
  }
  ProgressBar bar("training " + name + (options.attack ? ", " + options.attack->description : ""));
  TrainingHooks hooks;
  hooks.progress = bar.receiver();
  hooks.checkpoint = [&](const TrainingState& at) {
    save_checkpoint(checkpoint, at, settings);
    write_onnx(at.network, model);
    write_file(folder / (prefix + "metrics.jsonl"), at.metrics);
  };
  const auto device = start.device();
  const std::filesystem::path diagnosed = folder / (prefix + "diagnosis.jsonl");
  std::optional<Diagnosis> diagnosis;
  if (diagnose > 0) {
    constexpr int64_t watched = 512;
    const Dataset few = head(data, watched);
    DiagnosisOptions asked;
    asked.every = diagnose;
    asked.attack = options.attack;
    asked.momentum = options.momentum;
    asked.seed = options.seed;
    diagnosis.emplace(few.images.to(device), few.labels.to(device), asked);
    if (state.step > 0 && std::filesystem::exists(diagnosed)) {
      diagnosis->resume(read_file(diagnosed, std::uint64_t{1} << 30), state.step);
    }
    hooks.after_step = [&](const TrainingState& at, double rate) {
      if (diagnosis->after_step(at, rate)) write_file(diagnosed, diagnosis->lines());
    };
  }
  // Had finished: only what a sudden end may have kept from being written is left.
  if (state.step == total_steps(options, data.images.size(0))) hooks.checkpoint(state);
  const auto begin = std::chrono::steady_clock::now();
  try {
    train(state, data.images.to(device), data.labels.to(device), options, hooks);
  } catch (const Interrupted&) {
    throw Interrupted("stopped after step " + std::to_string(state.step) + " of " +
                      std::to_string(total_steps(options, data.images.size(0))) + "; " +
                      checkpoint.string() +
                      " holds everything: go on with the same command and --resume");
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return {state.network, model, state.metrics, seconds.count(),
          diagnosis ? diagnosis->lines() : std::string()};
}

}  // namespace reluctance
