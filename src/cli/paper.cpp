// reluctance paper: every numbered result of the paper on one network.
#include <memory>

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

struct PaperCommand {
  CommonOptions common;
  ClaimOptions claims;
};

void run(PaperCommand options) {
  apply(options.common);
  // The first 2N images are those that are tried, and that accuracies are of.
  Dataset data = head(load_data(options.common, "test"), 2 * options.claims.paper.images);
  const Network network = required_network(options.common, data);
  options.claims.seed = options.common.seed;
  const FolderLock lock("--out", options.common.out);
  const Results results = [&] {
    ProgressBars bars;
    options.claims.parts = bars.parts();
    return run_claim({options.common.model, network}, data, options.claims, test_paper_results,
                     run_info(options.common));
  }();
  write_report(options.common, results);
}

}  // namespace

void add_paper(CLI::App& app) {
  auto options = std::make_shared<PaperCommand>();
  CLI::App* command = app.add_subcommand(
      "paper", "the paper's numbered results, one by one, on this network and data");
  command->footer(
      "Example: reluctance paper --model net.onnx --data images.npz --out out/paper\n"
      "Assumptions 1 and 2, lemma 1, theorems 1 to 6 and corollary 1 of Cheng et al. (2022), each\n"
      "with its statistic, threshold, interval, verdict and chart. Images are attacked at shares "
      "of\n"
      "their own smallest fooling strength; accuracies are of the first 2N images. Writes\n"
      "report.html and results.json to the folder of --out.");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command
      ->add_option("--limit", options->claims.paper.images,
                   "use N images: of the first 2N those that are right and that an attack fools")
      ->transform(whole_number(1, 10000))
      ->capture_default_str();
  command->add_option("--steps", options->claims.paper.steps, "steps of the attacks")
      ->transform(whole_number(2, 10000))
      ->capture_default_str();
  add_running(*command, options->common);
  add_out(*command, options->common, "out/paper");
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
