// reluctance findings: claim 4, the earlier findings as predictions put to the test.
#include <ATen/ATen.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/networks.hpp"
#include "cli/run_record.hpp"
#include "cli/splits.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {
namespace {

struct FindingsCommand {
  CommonOptions common;
  std::vector<std::string> only;
  bool list = false;
  int64_t repetitions = 5;
};

void list_findings() {
  for (const EarlierFinding& each : earlier_findings()) {
    std::printf("%s\n  %s\n  Source: %s.\n  Prediction: %s\n  Experiment: %s\n  Expected: %s\n",
                each.name.c_str(), each.title.c_str(), each.source.c_str(), each.prediction.c_str(),
                each.experiment.c_str(), each.expected.c_str());
  }
}

void run(const FindingsCommand& options) {
  if (options.list) return list_findings();
  const std::vector<const EarlierFinding*> findings = findings_named(options.only);
  apply(options.common);
  const auto begin = std::chrono::steady_clock::now();
  Splits data = load_splits(options.common);
  std::optional<Network> network;
  if (!options.common.model.empty()) {
    network = load_network(options.common, data.held_out);
    arrange(options.common, *network, data.training);
  }
  FindingSetting setting = finding_setting(data, options.common.seed);
  setting.repetitions = options.repetitions;
  setting.network = network;
  const FolderLock lock("--out", options.common.out);
  Results results{run_info(options.common), data_info(data.held_out), {}};
  {
    ProgressBars bars;
    results.findings = run_findings(findings, setting, bars.parts());
  }
  results.run.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  write_report(options.common, results);
}

}  // namespace

void add_findings(CLI::App& app) {
  auto options = std::make_shared<FindingsCommand>();
  CLI::App* command =
      app.add_subcommand("findings", "claim 4: earlier findings about adversarial training");
  command->footer(
      "Example: reluctance findings --only few-directions --model net.onnx --data images.npz\n"
      "Without --model, the network at hand is a small one, trained adversarially on the data.\n"
      "Writes report.html and results.json to the folder of --out.");
  command->add_flag("--list", options->list, "name the findings, their sources and predictions");
  command->add_option("--only", options->only, "test these only, by name")->take_all();
  command
      ->add_option("--repetitions", options->repetitions,
                   "trainings of each kind, with different seeds")
      ->transform(whole_number(2, 1000))
      ->capture_default_str();
  add_data(*command, options->common);
  add_model(*command, options->common);
  add_running(*command, options->common);
  add_out(*command, options->common, "out/findings");
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
