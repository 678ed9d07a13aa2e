// reluctance dynamics: claim 1 on one network.
#include <ATen/ATen.h>

#include <cstdio>
#include <memory>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/networks.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/data/npz.hpp"

namespace reluctance {
namespace {

struct Options {
  CommonOptions common;
  ClaimOptions claims;
  double beta = 0;
  int64_t limit = 256;
  std::string save;
};

// One strength: theory and measurement of every sample, for other programs.
void run_one(const Options& options, const Network& network, const Dataset& data) {
  DynamicsSamples samples;
  {
    ProgressBar bar("theory and attack");
    samples = compare_dynamics(network, data.images, data.labels, options.beta,
                               options.claims.dynamics.steps, bar.receiver());
  }
  if (!options.save.empty()) {
    write_npz(options.save, {{"logits", samples.logits},
                             {"eigenvalues", samples.eigenvalues},
                             {"delta_real", samples.delta_real},
                             {"delta_quadratic", samples.delta_quadratic},
                             {"quadratic_in_range", samples.quadratic_in_range},
                             {"delta_region", samples.delta_region},
                             {"gates_flipped", samples.gates_flipped}});
  }
  const auto median_error = [&](const Tensor& theory) {
    const Tensor error = (theory - samples.delta_real).norm(2, 1) / samples.delta_real.norm(2, 1);
    return quantiles(error);
  };
  const auto show = [](const char* what, const std::optional<Quantiles>& q) {
    if (q) std::printf("%s %.3g (middle half %.3g to %.3g)\n", what, q->median, q->q25, q->q75);
  };
  const Tensor inside = samples.quadratic_in_range.nonzero().squeeze(1);
  std::printf("%ld images, beta %g, %ld steps\n", data.images.size(0), options.beta,
              options.claims.dynamics.steps);
  std::printf("fooled %.1f%%, quadratic solution out of range for %ld images\n",
              100 * samples.fooled.to(at::kDouble).mean().item<double>(),
              data.images.size(0) - inside.numel());
  show("gates flipped, share        ", quantiles(samples.gates_flipped));
  show("relative error, region-exact", median_error(samples.delta_region));
  if (inside.numel() > 0) {
    const Tensor real = samples.delta_real.index_select(0, inside);
    const Tensor error =
        (samples.delta_quadratic.index_select(0, inside) - real).norm(2, 1) / real.norm(2, 1);
    show("relative error, quadratic   ", quantiles(error));
  }
}

void run(Options options) {
  apply(options.common);
  if (!options.save.empty() && options.beta <= 0) {
    throw Error("--save writes one strength: name it with --beta");
  }
  if (!options.common.json.empty() && options.beta > 0) {
    throw Error("--json writes the sweep over strengths: leave --beta out, or use --save");
  }
  require_file_place("--save", options.save);
  const Dataset data = head(load_dataset(options.common.data, "test"), options.limit);
  const Network network = required_network(options.common, data);
  if (options.beta > 0) return run_one(options, network, data);
  run_claim(options.common, network, data, options.claims, test_dynamics_claim);
}

}  // namespace

void add_dynamics(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "dynamics", "claim 1: the analytic solution of the attack, and the real one");
  command->footer(
      "Example: reluctance dynamics --model net.onnx --data images.npz --beta 0.3 --save "
      "dynamics.npz\n"
      "Without --beta, a sweep over strengths and the verdict. --save writes, in float64: logits "
      "(N x C),\n"
      "eigenvalues (N x C-1, descending), delta_real, delta_quadratic, delta_region (N x n),\n"
      "gates_flipped (N) and quadratic_in_range (N); delta_quadratic is zero where out of range.");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command->add_option("--limit", options->limit, "use the first N images")
      ->transform(whole_number(1, 10000000))
      ->capture_default_str();
  command->add_option("--beta", options->beta, "one strength: step size times steps")
      ->check(positive_number());
  command->add_option("--steps", options->claims.dynamics.steps, "steps of the attack")
      ->transform(whole_number(1, 1000000))
      ->capture_default_str();
  command->add_option("--save", options->save, "write theory and measurement to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
