// reluctance explain: the main job. Trains two networks, or takes one, and writes the report.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/findings.hpp"
#include "cli/networks.hpp"
#include "cli/run_record.hpp"
#include "cli/splits.hpp"
#include "cli/training.hpp"
#include "cli/training_record.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/measure/robustness.hpp"

namespace reluctance {
namespace {

struct Options {
  CommonOptions common;
  AttackOptions attack;
  TrainingOptions training;
  ClaimOptions claims;
  int64_t limit = 256;
  int64_t batch = 1000;
  bool thorough = false;
  bool resume = false;
  std::string run;
};

// Images that robust accuracies of the advice are asked on.
constexpr int64_t advice_images = 1000;

void test_claims(NetworkResult& result, const Network& network, const Splits& data,
                 const Options& options) {
  const Dataset few = head(data.held_out, options.limit);
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    ProgressBar bar(result.title + ": distances in " + to_string(norm));
    result.robustness.push_back(
        robustness_curve(network, few.samples, norm, {options.common.seed, bar.receiver()}));
  }
  test_dynamics_claim(result, network, few, options.claims);
  test_influence_claim(result, network, few, options.claims);
  test_curvature_claim(result, network, head(data.training, options.batch), options.claims);
}

// `training` is nothing for a network of unknown making.
void add_advice(NetworkResult& result, const Network& network, const Splits& data,
                const std::optional<FinishedTraining>& training, const Options& options) {
  AdviceMaterial material;
  if (training) {
    material.training = TrainingRecord{training->options.objective.attack,
                                       watched_steps(training->diagnosis), training->options.carry};
  }
  GradientAscent attack = make_attack(options.attack);
  if (training && training->options.objective.attack) attack = *training->options.objective.attack;
  if (attack.ball) {
    ProgressBar bar(result.title + ": one step against many");
    std::optional<Samples> trained_on;
    if (apart(data)) trained_on = data.training.samples.head(advice_images);
    material.attacks = compare_attacks(network, data.held_out.samples.head(advice_images),
                                       trained_on, attack, options.common.seed);
  }
  material.curvature = result.curvature ? &*result.curvature : nullptr;
  result.advice = advise(material);
}

void add_findings(Results& results, const Network& network, const Splits& data,
                  const Options& options) {
  const Splits splits = apart(data) ? data : divided(data.held_out);
  FindingSetting setting = finding_setting(splits, options.common.seed);
  setting.network = network;
  setting.samples = options.limit;
  std::vector<const EarlierFinding*> findings;
  for (const EarlierFinding& each : earlier_findings()) {
    if (!each.trains || options.thorough) findings.push_back(&each);
  }
  results.findings = run_findings(findings, setting);
}

// The same architecture from the same weights, trained plainly and adversarially.
void explain_new_networks(const Options& options, const Splits& data, const Network& start,
                          Results& results) {
  std::optional<Network> last;
  for (const bool adversarial : {false, true}) {
    const std::string id = adversarial ? "adversarial" : "plain";
    FinishedTraining finished;
    finished.options = options.training;
    finished.options.seed = options.common.seed;
    if (adversarial) {
      AttackOptions inner = options.attack;
      inner.steps = 7;
      inner.step_size = 0;
      inner.restarts = 1;
      finished.options.objective.attack = make_attack(inner);
    }
    constexpr int64_t questions = 10;
    const int64_t every = std::max<int64_t>(
        1, total_steps(finished.options, data.training.samples.count()) / questions);
    const TrainedNetwork trained = train_with_checkpoints(
        start, data.training, finished.options, {options.common.out, id, options.resume, every});
    finished.seconds = trained.seconds;
    finished.diagnosis = trained.diagnosis;
    NetworkResult result = describe_network(trained.network, id + ".onnx", data.held_out,
                                            options.common.seed, options.attack);
    result.id = id;
    result.title = adversarial ? "Trained adversarially" : "Trained plainly";
    result.training = training_info(finished);
    test_claims(result, trained.network, data, options);
    add_advice(result, trained.network, data, finished, options);
    results.networks.push_back(std::move(result));
    last = trained.network;
  }
  add_findings(results, *last, data, options);
}

void explain_brought_network(const Options& options, const Splits& data, const Network& network,
                             const std::optional<FinishedTraining>& training, Results& results) {
  NetworkResult result = describe_network(network, options.common.model, data.held_out,
                                          options.common.seed, options.attack);
  if (training) {
    result.training = training_info(*training);
    const std::filesystem::path named = std::filesystem::path(options.run) / "";
    result.title = result.id = named.parent_path().filename().string();
  }
  test_claims(result, network, data, options);
  add_advice(result, network, data, training, options);
  results.networks.push_back(std::move(result));
  add_findings(results, network, data, options);
}

// A network that was brought, of unknown making, is explained on its own data alone.
Splits images_of(const Options& options) {
  const Dataset held_out = load_data(options.common, "test");
  if (!options.common.model.empty()) return {held_out, held_out};
  return {load_data(options.common, "train"), held_out};
}

void run(Options options) {
  const auto begin = std::chrono::steady_clock::now();
  apply(options.common);
  const GradientAscent attack = make_attack(options.attack);  // asked before hours of training
  const bool trains = options.common.model.empty() && options.run.empty();
  if (trains) require_known_curvature({cross_entropy_loss(), attack});
  options.claims.seed = options.common.seed;
  if (options.thorough) {
    options.claims.dynamics.strengths = 24;
    options.claims.influence.strengths = 12;
    options.claims.curvature.settled = {0, 50, 200};
    options.claims.curvature.radii = {0.25, 0.5, 1.0, 1.5};
  }
  Splits data = images_of(options);
  std::optional<FinishedTraining> training;
  if (!options.run.empty()) {
    training = read_training(options.run);
    options.common.model = std::filesystem::path(options.run) / "model.onnx";
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
  auto options = std::make_shared<Options>();
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
  command->add_option("--limit", options->limit, "images that the claims are tested on")
      ->transform(whole_number(1, 10000000))
      ->capture_default_str();
  command
      ->add_option("--batch", options->batch,
                   "images of the full-batch trainings of claim 3: of the training images, or of "
                   "--data with --model")
      ->transform(whole_number(1, 10000000))
      ->capture_default_str();
  command->add_flag("--thorough", options->thorough,
                    "more strengths, budgets and points of training, and the findings that train "
                    "networks of their own; takes longer");
  add_attack(*command, options->attack, AttackUse::ascent,
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
