#include "cli/training.hpp"

#include <ATen/ATen.h>

#include <chrono>
#include <optional>

#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/networks.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/jobs/training.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/network/onnx.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/train/checkpoint.hpp"

namespace reluctance {

Network starting_network(const CommonOptions& options, Dataset& data) {
  if (!options.model.empty()) return load_network(options, data);
  ArchitectureOptions architecture = options.architecture;
  architecture.input_shape = sample_shape(data);
  architecture.classes = data.classes;
  architecture.seed = options.seed;
  return on_device(options, make_network(architecture));
}

TrainedNetwork train_with_checkpoints(const Network& start, const Dataset& data,
                                      const TrainingOptions& options, const TrainingFiles& files) {
  const std::filesystem::path& folder = files.folder;
  const std::string& name = files.name;
  const std::string prefix = name == "model" ? "" : name + ".";
  const std::filesystem::path model = folder / (name + ".onnx");
  const std::filesystem::path checkpoint = folder / (prefix + "checkpoint.npz");
  std::string subject = summary(start) + " on " + data.name + " " + checksum(data);
  // What training leaves as it is, a checkpoint does not hold.
  Tensors constants;
  for (const Node& node : start.nodes()) {
    if (!node.trainable) {
      for (const Tensor& each : node.tensors) constants.push_back(each.to(at::kCPU));
    }
  }
  if (!constants.empty()) subject += ", constants " + checksum(constants);
  const std::string settings = training_settings(options, subject);

  const int64_t steps = total_steps(options, data.samples.count());
  TrainingState state{start, {}, 0, 0, 0, {}};
  const bool goes_on = files.resume && std::filesystem::exists(checkpoint);
  if (goes_on) state = load_checkpoint(checkpoint, start, settings);
  require_agreement(checkpoint.string(),
                    goes_on ? checksum(state.network.parameters()) : "no such file");
  if (files.resume && !goes_on) {
    note(checkpoint.string() + ": no such file; training starts from the beginning");
  } else if (goes_on) {
    note("going on from step " + std::to_string(state.step) + " of " + std::to_string(steps));
  }
  const std::optional<GradientAscent>& attack = options.objective.attack;
  ProgressBar bar("training " + name + (attack ? ", " + describe(*attack) : ""));
  TrainingHooks hooks;
  hooks.progress = bar.receiver();
  int64_t reached = state.step;
  std::optional<Diagnosis> diagnosis;
  hooks.checkpoint = [&](const TrainingState& now) {
    reached = now.step;
    if (!is_first_process()) return;
    TrainingState whole = now;
    if (diagnosis) whole.followed = diagnosis->followed();
    save_checkpoint(checkpoint, whole, settings);
    write_onnx(now.network, model);
    write_file(folder / (prefix + "metrics.jsonl"), now.metrics);
  };
  const Samples samples = as_inputs(start, data.samples);
  const std::filesystem::path diagnosed = folder / (prefix + "diagnosis.jsonl");
  if (files.diagnose > 0) {
    diagnosis.emplace(samples.head(watched_samples),
                      diagnosis_of(options, files.diagnose, files.memory));
    if (state.step > 0) {
      const bool known = std::filesystem::exists(diagnosed);
      const std::string lines = known ? read_file(diagnosed, std::uint64_t{1} << 30) : "";
      require_agreement(diagnosed.string(), lines);
      diagnosis->resume(lines, state);
    }
    hooks.after_step = [&](const TrainingState& now, double rate) {
      if (diagnosis->after_step(now, rate)) write_file(diagnosed, diagnosis->lines());
    };
  }
  const auto begin = std::chrono::steady_clock::now();
  try {
    if (diagnosis && diagnosis->catch_up(state)) write_file(diagnosed, diagnosis->lines());
    // Had finished: only what a sudden end may have kept from being written is left.
    if (state.step == steps) hooks.checkpoint(state);
    state = train(state, samples, options, hooks);
  } catch (const Interrupted&) {
    throw Interrupted("stopped after step " + std::to_string(reached) + " of " +
                      std::to_string(steps) + "; " + checkpoint.string() +
                      " holds everything: go on with the same command and --resume");
  }
  if (is_dead(state.network, samples.head(watched_samples))) {
    note(model.string() + ": " + dead_network);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return {state.network, model, state.metrics, seconds.count(),
          diagnosis ? diagnosis->lines() : std::string()};
}

}  // namespace reluctance
