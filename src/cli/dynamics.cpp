// reluctance dynamics: claim 1 on one network.
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

namespace reluctance {
namespace {

struct DynamicsCommand {
  CommonOptions common;
  ClaimOptions claims;
  double beta = 0;
  int64_t limit = 256;
  std::string save;
};

// One strength: theory and measurement of every sample, for other programs.
void run_one(const DynamicsCommand& options, const Network& network, const Dataset& data) {
  DynamicsComparison all;
  {
    ProgressBar bar("theory and attack");
    const Tensor beta = at::full({data.samples.count()}, options.beta, at::kDouble);
    all = compare_dynamics(network, data.samples, beta, options.claims.dynamics, bar.receiver());
  }
  if (!options.save.empty()) write_npz(options.save, all.arrays());
  const Json numbers = numbers_of(all, options.beta, options.claims.dynamics.steps);
  std::FILE* summary = summary_stream(options.common);
  std::fprintf(summary, "%ld images, beta %g, %ld steps\n", data.samples.count(), options.beta,
               options.claims.dynamics.steps);
  std::fprintf(summary, "fooled %.1f%%, quadratic solution out of range for %ld images\n",
               100 * numbers["fooled"].get<double>(), numbers["outside_range"].get<long>());
  if (all.left_out > 0) {
    std::fprintf(summary, "left out %ld classes, which hold less than 1e-6 of the probability\n",
                 all.left_out);
  }
  show(summary, "gates flipped, share        ", quantiles(all.gates_flipped));
  show(summary, "relative error, region-exact", quantiles(all.error_region()));
  show(summary, "relative error, quadratic   ", quantiles(all.error_quadratic()));
  write_measurement(options.common, data, numbers);
}

void run(DynamicsCommand options) {
  apply(options.common);
  require_file_place("--save", options.save);
  Dataset data = head(load_data(options.common, "test"), options.limit);
  const Network network = required_network(options.common, data);
  options.claims.dynamics.memory = bytes_of(options.common.memory);
  if (options.beta > 0) return run_one(options, network, data);
  const NetworkResult result =
      show_claim(options.common, network, data, options.claims, test_dynamics_claim);
  if (!options.save.empty()) write_npz(options.save, result.dynamics->arrays);
}

}  // namespace

void add_dynamics(CLI::App& app) {
  auto options = std::make_shared<DynamicsCommand>();
  CLI::App* command = app.add_subcommand(
      "dynamics", "claim 1: the analytic solution of the attack, and the real one");
  command->footer(
      "Example: reluctance dynamics --model net.onnx --data images.npz --beta 0.3 --save "
      "dynamics.npz\n"
      "Without --beta, a sweep over shares of each image's own smallest fooling strength, and the "
      "verdict.\n"
      "--save writes, in float64, with --beta:\n"
      "logits (N x C), eigenvalues (N x C-1, descending), delta_real, delta_quadratic, "
      "delta_region\n"
      "(N x n), gates_flipped (N) and quadratic_in_range (N); delta_quadratic is zero where out "
      "of\n"
      "range. Without: strength (N, NaN where no strength fools an image that was right), relative "
      "(S)\n"
      "and, S x N each, gates_flipped, norm, error_quadratic (NaN where out of range), "
      "error_region, "
      "error_segments\n"
      "and top_share (S x N x 3).");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command->add_option("--limit", options->limit, "use the first N images")
      ->transform(whole_number(1, 10000000))
      ->capture_default_str();
  command->add_option("--beta", options->beta, "one strength for all images: step size times steps")
      ->transform(positive_number());
  command->add_option("--steps", options->claims.dynamics.steps, "steps of the attack")
      ->transform(whole_number(1, 1000000))
      ->capture_default_str();
  command->add_option("--save", options->save, "write theory and measurement to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
