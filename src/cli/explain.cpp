// reluctance explain: the main job. Trains two networks, or takes one, and writes the report.
#include <chrono>
#include <cstdio>
#include <memory>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/networks.hpp"
#include "cli/training.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/report/page.hpp"

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
};

TrainingInfo training_info(const TrainingOptions& options, double seconds) {
  TrainingInfo info{"plain", {}, options.epochs, options.batch_size, options.learning_rate,
                    seconds};
  if (options.attack) {
    info.method = "adversarial";
    info.attack = options.attack->description;
  }
  return info;
}

void test_claims(NetworkResult& result, const Network& network, const Dataset& few,
                 const Dataset& batch, const ClaimOptions& options) {
  test_dynamics_claim(result, network, few, options);
  test_influence_claim(result, network, few, options);
  test_curvature_claim(result, network, batch, options);
}

// The same architecture from the same weights, trained plainly and adversarially.
void explain_new_networks(const Options& options, const Dataset& data, const Dataset& few,
                          Results& results) {
  const Dataset train_data = load_dataset(options.common.data, "train");
  const Network start = starting_network(options.common, train_data);
  require_writable_folder(options.common.out);
  for (const bool adversarial : {false, true}) {
    const std::string id = adversarial ? "adversarial" : "plain";
    TrainingOptions training = options.training;
    training.seed = options.common.seed;
    if (adversarial) {
      AttackOptions inner = options.attack;
      inner.steps = 7;
      inner.step_size = 0;
      inner.restarts = 1;
      training.attack = make_attack(inner);
    }
    const TrainedNetwork trained =
        train_with_checkpoints(start, train_data, training, options.common, id, options.resume);
    NetworkResult result =
        describe_network(trained.network, id + ".onnx", data, options.common.seed, options.attack);
    result.id = id;
    result.title = adversarial ? "Trained adversarially" : "Trained plainly";
    result.training = training_info(training, trained.seconds);
    test_claims(result, trained.network, few, head(train_data, options.batch), options.claims);
    results.networks.push_back(std::move(result));
  }
}

void run(Options options) {
  const auto begin = std::chrono::steady_clock::now();
  apply(options.common);
  make_attack(options.attack);  // asked before hours of training
  options.claims.influence.seed = options.claims.curvature.seed = options.common.seed;
  if (options.thorough) {
    options.claims.dynamics.strengths = 24;
    options.claims.influence.strengths = 12;
    options.claims.curvature.settled = {0, 50, 200};
    options.claims.curvature.radii = {0.25, 0.5, 1.0, 1.5};
  }
  const Dataset data = load_dataset(options.common.data, "test");
  const Dataset few = head(data, options.limit);
  Results results{run_info(options.common), data_info(data), {}};
  if (options.common.model.empty()) {
    explain_new_networks(options, data, few, results);
  } else {
    const Network network = load_network(options.common, data);
    require_writable_folder(options.common.out);
    NetworkResult result =
        describe_network(network, options.common.model, data, options.common.seed, options.attack);
    test_claims(result, network, few, head(data, options.batch), options.claims);
    results.networks.push_back(std::move(result));
  }
  results.run.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

  const std::string json = results_json(results);
  write_file(options.common.out / "results.json", json);
  write_file(options.common.out / "report.html", report_page(json));
  write_json(options.common, json);
  std::fprintf(summary_stream(options.common), "%s\n%s\n", results_text(results).c_str(),
               (options.common.out / "report.html").c_str());
}

}  // namespace

void add_explain(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "explain", "why is adversarial training hard here? all claims, and a report");
  command->footer(
      "Example: reluctance explain --model net.onnx --data images.npz\n"
      "Without --model, trains two networks of --arch first, one plainly, one adversarially.\n"
      "Writes report.html and results.json to the folder of --out.");
  add_data(*command, options->common);
  add_model(*command, options->common);
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
                    "more strengths, budgets and points of training; takes longer");
  command
      ->add_option("--attack", options->attack.attack,
                   "pgd, fgsm or raw, for robust accuracy and adversarial training")
      ->capture_default_str();
  add_attack(*command, options->attack);
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
