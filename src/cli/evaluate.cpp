// reluctance evaluate: clean and robust accuracy, and the adversarial examples.
#include <ATen/ATen.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/options.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {
namespace {

struct Options {
  CommonOptions common;
  AttackOptions attack;
  int64_t limit = 0;
  std::string save;
};

using Json = nlohmann::ordered_json;

Json json(const Share& share) {
  return {
      {"value", share.value}, {"low", share.low}, {"high", share.high}, {"samples", share.samples}};
}

void show(std::FILE* summary, const char* what, const Share& share, const std::string& attack) {
  std::fprintf(summary, "%s  %.2f%%  (95%%: %.2f to %.2f, %ld images)%s%s\n", what,
               100 * share.value, 100 * share.low, 100 * share.high, share.samples,
               attack.empty() ? "" : "  ", attack.c_str());
}

// The attacks that are ensembles; nothing for a single one.
std::vector<Stage> stages_of(const std::string& name, const Network& network, const Ball& ball) {
  if (name == "region") return region_stages(ball);
  if (name == "autoattack") return autoattack_stages(network, ball);
  return {};
}

// What any attack comes to.
struct Evaluation {
  std::string attack;
  Share clean, robust;
  std::vector<std::pair<std::string, Tensor>> arrays;  // for --save
  Json stages = Json::array();
};

Evaluation evaluate_ensemble(const Options& options, const Network& network, const Dataset& data,
                             const Ball& ball, const std::vector<Stage>& stages) {
  ProgressBar bar(options.attack.attack);
  const EnsembleResult result = run_ensemble(network, data.images, data.labels, ball, stages,
                                             options.common.seed, bar.receiver());
  std::ostringstream name;
  name << options.attack.attack << ", " << to_string(ball.norm) << ", epsilon " << ball.radius;
  Evaluation evaluation{name.str(), result.clean, result.robust, {}};
  for (const StageOutcome& stage : result.stages) {
    evaluation.stages.push_back({{"name", stage.name},
                                 {"attacked", stage.attacked},
                                 {"robust", json(stage.robust)},
                                 {"seconds", stage.seconds},
                                 {"forward_passes", stage.passes.forward},
                                 {"backward_passes", stage.passes.backward}});
  }
  evaluation.arrays = {{"adversarial", result.adversarial.to(at::kCPU)},
                       {"success", result.felled_by.ne(EnsembleResult::stands).to(at::kCPU)},
                       {"felled_by", result.felled_by.to(at::kCPU)},
                       {"target", result.target.to(at::kCPU)}};
  return evaluation;
}

Evaluation evaluate_attack(const Options& options, const Network& network, const Dataset& data) {
  const Attack attack = make_attack(options.attack);
  ProgressBar bar(attack.description);
  const auto device = network.device();
  const RobustAccuracy accuracy =
      robust_accuracy(network, data.images.to(device), data.labels.to(device), attack,
                      options.common.seed, bar.receiver());
  return {attack.description,
          accuracy.clean,
          accuracy.robust,
          {{"adversarial", accuracy.result.adversarial.to(at::kCPU)},
           {"success", accuracy.result.success.to(at::kCPU)}}};
}

void run(const Options& options) {
  apply(options.common);
  if (options.common.model.empty())
    throw Error("--model is missing: name the ONNX file to evaluate");
  require_file_place("--save", options.save);
  const Ball ball{parse_norm(options.attack.norm), options.attack.epsilon};
  Dataset data = load_dataset(options.common.data, "test");
  if (options.limit > 0) data = head(data, options.limit);
  const Network network = load_network(options.common, data);
  const std::vector<Stage> stages = stages_of(options.attack.attack, network, ball);
  const Evaluation evaluation = stages.empty()
                                    ? evaluate_attack(options, network, data)
                                    : evaluate_ensemble(options, network, data, ball, stages);
  if (!options.save.empty()) write_npz(options.save, evaluation.arrays);
  std::FILE* summary = summary_stream(options.common);
  show(summary, "clean accuracy ", evaluation.clean, "");
  for (const Json& stage : evaluation.stages) {
    std::fprintf(summary, "  after %-16s %.2f%%  %ld images attacked, %ld passes, %.1f s\n",
                 stage["name"].get<std::string>().c_str(),
                 100 * stage["robust"]["value"].get<double>(), stage["attacked"].get<int64_t>(),
                 stage["forward_passes"].get<int64_t>() + stage["backward_passes"].get<int64_t>(),
                 stage["seconds"].get<double>());
  }
  show(summary, "robust accuracy", evaluation.robust, evaluation.attack);
  const RunInfo info = run_info(options.common);
  const Json document{{"program", info.program},
                      {"command", info.command},
                      {"seed", info.seed},
                      {"threads", info.threads},
                      {"device", info.device},
                      {"started", info.started},
                      {"model", options.common.model},
                      {"data", data.name},
                      {"checksum", checksum(data)},
                      {"attack", evaluation.attack},
                      {"clean", json(evaluation.clean)},
                      {"robust", json(evaluation.robust)},
                      {"stages", evaluation.stages}};
  write_json(options.common, document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("evaluate", "clean and robust accuracy of a network");
  command->footer(
      "Example: reluctance evaluate --model net.onnx --data images.npz --norm l2 --eps 1 --save "
      "adv.npz\n"
      "region asks the linear region which classes are near and attacks those; autoattack is the\n"
      "published ensemble (Croce and Hein 2020). Both take --norm and --eps alone.\n"
      "--save writes adversarial (N x C x H x W) and success (N): the attacked network answers "
      "wrong;\n"
      "of ensembles also felled_by (N: the stage; -1 stands, -2 wrong from the start) and target "
      "(N).");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command->add_option("--limit", options->limit, "use the first N images; 0 for all")
      ->transform(whole_number(0, 10000000))
      ->capture_default_str();
  command->add_option("--attack", options->attack.attack, "pgd, fgsm, raw, region or autoattack")
      ->capture_default_str();
  add_attack(*command, options->attack);
  command->add_option("--save", options->save, "write the adversarial examples to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
