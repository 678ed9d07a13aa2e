// reluctance explain: the main job. Trains two networks, or takes one, and writes the report.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "cli/attack_options.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/networks.hpp"
#include "cli/run_record.hpp"
#include "cli/splits.hpp"
#include "cli/training.hpp"
#include "cli/training_record.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/jobs/eigenpairs.hpp"

namespace reluctance {
namespace {

struct ExplainCommand {
  CommonOptions common;
  ExplainOptions explain;
  TrainingOptions training;
  bool thorough = false;
  bool resume = false;
  std::string run;
};

// What is known of a training that has ended.
TrainingRecord record_of(const FinishedTraining& training) {
  return {training.options.objective.attack, watched_steps(training.diagnosis),
          training.options.carry};
}

// The job with its progress shown.
template <typename Job>
auto shown(const ExplainCommand& options, const Job& job) {
  ProgressBars bars;
  ExplainOptions explain = options.explain;
  explain.claims.parts = bars.parts();
  return job(explain);
}

NetworkResult described(const LoadedNetwork& subject, const Dataset& data,
                        const ExplainCommand& options) {
  return shown(options, [&](const ExplainOptions& explain) {
    return describe_network(subject, data, explain.claims, explain.attack);
  });
}

void explain_one(NetworkResult& result, const Network& network, const Splits& data,
                 const std::optional<TrainingRecord>& training, const ExplainCommand& options) {
  shown(options, [&](const ExplainOptions& explain) {
    explain_network(result, network, data, training, explain);
  });
}

std::vector<FindingResult> findings(const Network& network, const Splits& data,
                                    const ExplainCommand& options) {
  const Splits splits = apart(data) ? data : divided_aloud(data.held_out);
  return shown(options, [&](const ExplainOptions& explain) {
    return findings_on(network, splits, explain);
  });
}

// The same architecture from the same weights, trained plainly and adversarially.
void explain_new_networks(const ExplainCommand& options, const Splits& data, const Network& start,
                          Results& results) {
  std::optional<Network> last;
  for (const bool adversarial : {false, true}) {
    const std::string id = adversarial ? "adversarial" : "plain";
    FinishedTraining finished;
    finished.options = options.training;
    finished.options.seed = options.common.seed;
    if (adversarial) {
      AttackOptions inner = options.explain.attack;
      inner.steps = 7;
      inner.step_size = 0;
      inner.restarts = 1;
      finished.options.objective.attack = make_attack(inner);
    }
    constexpr int64_t questions = 10;
    const int64_t every = std::max<int64_t>(
        1, total_steps(finished.options, data.training.samples.count()) / questions);
    const TrainedNetwork trained = train_with_checkpoints(
        start, data.training, finished.options,
        {options.common.out, id, options.resume, every, options.common.memory});
    finished.seconds = trained.seconds;
    finished.diagnosis = trained.diagnosis;
    NetworkResult result = described({id + ".onnx", trained.network}, data.held_out, options);
    result.id = id;
    result.title = adversarial ? "Trained adversarially" : "Trained plainly";
    result.training = training_info(finished);
    explain_one(result, trained.network, data, record_of(finished), options);
    results.networks.push_back(std::move(result));
    last = trained.network;
  }
  results.findings = findings(*last, data, options);
}

void explain_brought_network(const ExplainCommand& options, const Splits& data,
                             const Network& network,
                             const std::optional<FinishedTraining>& training, Results& results) {
  NetworkResult result = described({options.common.model, network}, data.held_out, options);
  if (training) {
    result.training = training_info(*training);
    const std::filesystem::path named = std::filesystem::path(options.run) / "";
    result.title = result.id = named.parent_path().filename().string();
  }
  std::optional<TrainingRecord> record;
  if (training) record = record_of(*training);
  explain_one(result, network, data, record, options);
  results.networks.push_back(std::move(result));
  results.findings = findings(network, data, options);
}

// A network that was brought, of unknown making, is explained on its own data alone.
Splits images_of(const ExplainCommand& options) {
  const Dataset held_out = load_data(options.common, "test");
  if (!options.common.model.empty()) return {held_out, held_out};
  return {load_data(options.common, "train"), held_out};
}

void run(ExplainCommand options) {
  const auto begin = std::chrono::steady_clock::now();
  apply(options.common);
  const GradientAscent attack =
      make_attack(options.explain.attack);  // asked before hours of training
  const bool trains = options.common.model.empty() && options.run.empty();
  if (trains) require_known_curvature({cross_entropy_loss(), attack});
  options.explain.claims.seed = options.common.seed;
  options.explain.claims.curvature.memory = curvature_memory(options.common.memory);
  options.explain.claims.dynamics.memory = bytes_of(options.common.memory);
  if (options.thorough) make_thorough(options.explain);
  Splits data = images_of(options);
  std::optional<FinishedTraining> training;
  if (!options.run.empty()) {
    training = read_training(options.run);
    options.common.model = std::filesystem::path(options.run) / "model.onnx";
    options.explain.claims.curvature.loss = training->options.objective.loss;
  }
  const Network network = trains ? starting_network(options.common, data.training)
                                 : load_network(options.common, data.held_out);
  if (!trains) arrange(options.common, network, data.training);
  const FolderLock lock("--out", options.common.out);
  Results results{run_info(options.common), data_info(data.held_out), {}};
  if (trains) {
    explain_new_networks(options, data, network, results);
  } else {
    explain_brought_network(options, data, network, training, results);
  }
  results.run.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  write_report(options.common, results);
}

}  // namespace

void add_explain(CLI::App& app) {
  auto options = std::make_shared<ExplainCommand>();
  CLI::App* command = app.add_subcommand(
      "explain", "why is adversarial training hard here? all claims, and a report");
  command->footer(
      "Example: reluctance explain --model net.onnx --data images.npz\n"
      "Without --model or --run, trains two networks of --arch first, one plainly, one "
      "adversarially.\n"
      "Writes report.html and results.json to the folder of --out.");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command
      ->add_option("--run", options->run,
                   "a training: the folder that reluctance train has written; its data is --data")
      ->check(some_text())
      ->excludes("--model");
  add_architecture(*command, options->common);
  command->add_option("--limit", options->explain.limit, "images that the claims are tested on")
      ->transform(whole_number(1, 10000000))
      ->capture_default_str();
  command
      ->add_option("--batch", options->explain.batch,
                   "images of the full-batch trainings of claim 3: of the training images, or of "
                   "--data with --model")
      ->transform(whole_number(1, 10000000))
      ->capture_default_str();
  command->add_flag("--thorough", options->thorough,
                    "more strengths, budgets and points of training, and the findings that train "
                    "networks of their own; takes longer");
  add_attack(*command, options->explain.attack, AttackUse::ascent,
             "for robust accuracy and adversarial training: ");
  command->add_option("--epochs", options->training.epochs, "of each training")
      ->excludes("--model")
      ->transform(whole_number(1, 100000))
      ->capture_default_str();
  command
      ->add_flag("--resume", options->resume, "go on from the checkpoints in the folder of --out")
      ->excludes("--model");
  add_running(*command, options->common);
  add_out(*command, options->common, "out/explain");
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
