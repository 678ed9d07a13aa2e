// reluctance distances: how far the nearest adversarial examples are.
#include <ATen/ATen.h>

#include <cstdio>
#include <memory>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/networks.hpp"
#include "cli/run_record.hpp"
#include "cli/splits.hpp"
#include "cli/validators.hpp"
#include "jobs/numbers.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/measure/robustness.hpp"

namespace reluctance {
namespace {

struct DistancesCommand {
  CommonOptions common;
  std::string norm = "linf";
  int64_t limit = 0;
  std::string save;
};

void run(const DistancesCommand& options) {
  apply(options.common);
  require_file_place("--save", options.save);
  Dataset data = load_data(options.common, "test");
  if (options.limit > 0) data = head(data, options.limit);
  const auto [network, box, domain] = required_boxed_network(options.common, data);
  const Norm norm = parse_norm(options.norm);
  if (box) require_norm_of(*box, norm);
  ProgressBar bar("distances");
  const RobustnessCurve curve =
      robustness_curve(network, data.samples, {.norm = norm, .domain = domain},
                       {options.common.seed, bar.receiver()});
  if (!options.save.empty()) {
    write_npz(options.save, arrays_of(curve, data.samples));
  }
  std::FILE* summary = summary_stream(options.common);
  std::fprintf(summary, "budget (%s%s)  robust accuracy (%ld images)\n", options.norm.c_str(),
               unit_of(domain).c_str(), data.samples.count());
  constexpr std::size_t every = 4;
  for (std::size_t i = 0; i < curve.points.size(); i += every) {
    const auto& [budget, robust] = curve.points[i];
    std::fprintf(summary, "%-13.4g  %.2f%%  (95%%: %.2f to %.2f)\n", budget, 100 * robust.value,
                 100 * robust.low, 100 * robust.high);
  }
  write_measurement(options.common, data, numbers_of(curve));
}

}  // namespace

void add_distances(CLI::App& app) {
  auto options = std::make_shared<DistancesCommand>();
  CLI::App* command = app.add_subcommand(
      "distances", "the nearest adversarial examples, and robust accuracy over budgets");
  command->footer(
      "Example: reluctance distances --model net.onnx --data images.npz --norm l2 --limit 1000\n"
      "Distances are upper bounds, found by the nearest-class attack; so is the robust accuracy.\n"
      "--save writes, for N images, adversarial (N x C x H x W) and distance (N; 0 for images that "
      "are\nanswered wrong, infinity where no adversarial example was found).");
  add_data(*command, options->common);
  add_box(*command, options->common);
  add_model(*command, options->common);
  command->add_option("--limit", options->limit, "use the first N images; 0 for all")
      ->transform(whole_number(0, 10000000))
      ->capture_default_str();
  command->add_option("--norm", options->norm, "linf, l2 or l1")
      ->transform(any_case())
      ->capture_default_str();
  command->add_option("--save", options->save, "write the adversarial examples to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
