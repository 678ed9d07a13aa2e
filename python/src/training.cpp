// What makes networks or trains them: new ones, `train` without its files, and the findings.
#include "training.hpp"

#include <pybind11/stl.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "arguments.hpp"
#include "data/validation.hpp"
#include "jobs/record.hpp"
#include "network.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/jobs/explain.hpp"
#include "reluctance/jobs/training.hpp"
#include "reluctance/network/architectures.hpp"
#include "reluctance/network/passes.hpp"
#include "subject.hpp"

namespace reluctance::python {
namespace {

using Notes = std::vector<std::string>;

// Its parameters have the names that its file gives them.
HeldNetwork new_network(const std::string& name, const Shape& input_shape, int64_t classes,
                        const Arguments& arguments) {
  ArchitectureOptions options;
  options.name = name;
  options.input_shape = input_shape;
  options.classes = classes;
  options.width = arguments.whole("width", options.width, 1, 4096);
  options.seed = arguments.seed();
  if (arguments.has("hidden")) options.hidden = arguments.wholes("hidden", 1, 1000000);
  return run_job(arguments.settings(), [options](const Parts&) {
    const Network network = make_network(options);
    const auto count = network.parameters().size();
    return HeldNetwork{options.name, {network, {}, std::vector<ImportedNetwork::Source>(count)}};
  });
}

TrainingOptions training_options(const Arguments& arguments) {
  TrainingOptions options;
  options.epochs = arguments.whole("epochs", options.epochs, 1, 100000);
  options.batch_size = arguments.whole("batch_size", options.batch_size, 1, 1000000);
  options.learning_rate = arguments.number("lr", options.learning_rate);
  options.momentum = arguments.number("momentum", options.momentum, 0, 0.9999);
  options.weight_decay = arguments.number("weight_decay", options.weight_decay, 0, 1000);
  options.schedule = parse_schedule(arguments.text("schedule", to_string(options.schedule)));
  options.carry = arguments.flag("carry");
  options.augmentation = {arguments.whole("crop", 0, 0, 1000), arguments.flag("flip")};
  options.seed = arguments.seed();
  AttackOptions attack;
  attack.attack = "none";
  attack.steps = 7;
  attack = arguments.attack(attack);
  settle_step_size(options, attack);
  options.objective = objective_of(attack, arguments.number("label_smoothing", 0, 0, 0.9999));
  return options;
}

Json lines_of(const std::string& text) {
  Json lines = Json::array();
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(Json::parse(text.substr(begin, end - begin)));
  }
  return lines;
}

std::tuple<HeldNetwork, std::string, Notes> train_network(const HeldNetwork& held,
                                                          const Array& images, const Array& labels,
                                                          const Arguments& arguments) {
  const Subject subject = subject_of(held, images, labels, arguments);
  const TrainingOptions options = training_options(arguments);
  const int64_t every = arguments.whole("diagnose", 0, 0, 1000000000);
  return run_job(arguments.settings(), [held, subject, options, every](const Parts& parts) {
    const RunInfo run = subject.run();
    const Dataset data = subject.data();
    const Network& network = subject.subject.network;
    const Samples samples = as_inputs(network, data.samples);
    TrainingHooks hooks;
    hooks.progress = begin_part(parts, "training");
    std::optional<Diagnosis> diagnosis;
    if (every > 0) {
      diagnosis.emplace(samples.head(watched_samples),
                        diagnosis_of(options, every, subject.memory));
      hooks.after_step = [&](const TrainingState& now, double rate) {
        diagnosis->after_step(now, rate);
      };
    }
    const TrainingState end = train({network, {}, 0, 0, 0, {}}, samples, options, hooks);
    HeldNetwork trained = held;
    trained.imported.network = end.network;
    Json document = measurement_json(run, subject.subject.name, data);
    document["metrics"] = lines_of(end.metrics);
    document["diagnosis"] = lines_of(diagnosis ? diagnosis->lines() : "");
    Notes notes = data.notes;
    if (is_dead(end.network, samples.head(watched_samples))) {
      notes.push_back(std::string("the trained network ") + dead_network);
    }
    return std::tuple(trained, measurement_text(document), notes);
  });
}

// Without a network, the findings train a small one.
std::tuple<std::string, Notes> test_findings_on(const HeldNetwork* held, const Array& images,
                                                const Array& labels, const Arguments& arguments) {
  const std::vector<const EarlierFinding*> findings = findings_named(arguments.texts("only"));
  const int64_t repetitions = arguments.whole("repetitions", 5, 2, 1000);
  std::optional<Subject> subject;
  if (held) subject = subject_of(*held, images, labels, arguments);
  const Arrays arrays{images.tensor, labels.tensor, {arguments.number("scale", 0), true}};
  const std::string command = arguments.text("command", "");
  const std::uint64_t seed = arguments.seed();
  return run_job(arguments.settings(), [=](const Parts& parts) {
    const auto begin = std::chrono::steady_clock::now();
    Results results{subject ? subject->run() : run_info(command, seed, "cpu"), {}, {}};
    const Splits data = divided(subject ? subject->data() : make_dataset("arrays", arrays, {}));
    results.data = data_info(data.held_out);
    FindingSetting setting = finding_setting(data, seed);
    setting.repetitions = repetitions;
    if (subject) setting.network = subject->subject.network;
    results.findings = run_findings(findings, setting, parts);
    results.run.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return std::tuple(results_json(results), data.training.notes);
  });
}

}  // namespace

void bind_training(py::module_& module) {
  module.def("new_network", [](const std::string& name, const Shape& input_shape, int64_t classes,
                               const py::dict& given) {
    return new_network(name, input_shape, classes, Arguments(given));
  });
  module.def("train", [](const HeldNetwork& held, const Array& images, const Array& labels,
                         const py::dict& given) {
    return train_network(held, images, labels, Arguments(given));
  });
  module.def("findings", [](const HeldNetwork* held, const Array& images, const Array& labels,
                            const py::dict& given) {
    return test_findings_on(held, images, labels, Arguments(given));
  });
}

}  // namespace reluctance::python
