// reluctance evaluate: clean and robust accuracy, and the adversarial examples.
#include <ATen/ATen.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/options.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/measure/accuracy.hpp"

namespace reluctance {
namespace {

struct Options {
  CommonOptions common;
  AttackOptions attack;
  int64_t limit = 0;
  std::string save;
};

nlohmann::ordered_json json(const Share& share) {
  return {
      {"value", share.value}, {"low", share.low}, {"high", share.high}, {"samples", share.samples}};
}

void run(const Options& options) {
  apply(options.common);
  if (options.common.model.empty())
    throw Error("--model is missing: name the ONNX file to evaluate");
  require_file_place("--save", options.save);
  const Attack attack = make_attack(options.attack);
  Dataset data = load_dataset(options.common.data, "test");
  if (options.limit > 0) data = head(data, options.limit);
  const Network network = load_network(options.common, data);
  RobustAccuracy accuracy;
  {
    ProgressBar bar(attack.description);
    const auto device = network.device();
    accuracy = robust_accuracy(network, data.images.to(device), data.labels.to(device), attack,
                               options.common.seed, bar.receiver());
  }
  if (!options.save.empty()) {
    write_npz(options.save, {{"adversarial", accuracy.result.adversarial.to(at::kCPU)},
                             {"success", accuracy.result.success.to(at::kCPU)}});
  }
  std::FILE* summary = summary_stream(options.common);
  std::fprintf(summary, "clean accuracy   %.2f%%  (95%%: %.2f to %.2f, %ld images)\n",
               100 * accuracy.clean.value, 100 * accuracy.clean.low, 100 * accuracy.clean.high,
               accuracy.clean.samples);
  std::fprintf(summary, "robust accuracy  %.2f%%  (95%%: %.2f to %.2f)  %s\n",
               100 * accuracy.robust.value, 100 * accuracy.robust.low, 100 * accuracy.robust.high,
               attack.description.c_str());
  const RunInfo info = run_info(options.common);
  const nlohmann::ordered_json document{{"program", info.program},
                                        {"command", info.command},
                                        {"seed", info.seed},
                                        {"threads", info.threads},
                                        {"device", info.device},
                                        {"started", info.started},
                                        {"model", options.common.model},
                                        {"data", data.name},
                                        {"checksum", checksum(data)},
                                        {"attack", attack.description},
                                        {"clean", json(accuracy.clean)},
                                        {"robust", json(accuracy.robust)}};
  write_json(options.common,
             document.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("evaluate", "clean and robust accuracy of a network");
  command->footer(
      "Example: reluctance evaluate --model net.onnx --data images.npz --norm l2 --eps 1 --save "
      "adv.npz\n"
      "--save writes adversarial (N x C x H x W) and success (N): the attacked network answers "
      "wrong.");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command->add_option("--limit", options->limit, "use the first N images; 0 for all")
      ->transform(whole_number(0, 10000000))
      ->capture_default_str();
  command->add_option("--attack", options->attack.attack, "pgd, fgsm or raw")
      ->capture_default_str();
  add_attack(*command, options->attack);
  command->add_option("--save", options->save, "write the adversarial examples to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
