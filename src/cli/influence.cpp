// reluctance influence: claim 2 on one network.
#include <ATen/ATen.h>

#include <cmath>
#include <cstdio>
#include <memory>

#include "cli/attack_options.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/networks.hpp"
#include "cli/run_record.hpp"
#include "cli/splits.hpp"
#include "cli/validators.hpp"
#include "jobs/numbers.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/data/npz.hpp"

namespace reluctance {
namespace {

struct InfluenceCommand {
  CommonOptions common;
  AttackOptions attack;
  ClaimOptions claims;
  int64_t limit = 256;
  std::string save;
};

// One attack: theory and measurement of every sample, for other programs.
void run_one(const InfluenceCommand& options, const Network& network, const Dataset& data) {
  const GradientAscent attack = make_attack(options.attack);
  InfluenceComparison all;
  {
    ProgressBar bar("theory and attack");
    all = compare_influence(network, data.samples, attack, bar.receiver());
  }
  if (!options.save.empty()) write_npz(options.save, all.arrays());
  const InfluenceMeasurement& real = all.measured;
  const Json numbers = numbers_of(all, attack);
  const auto at = [&](const char* what, const char* which) {
    const Json& value = numbers[what][which];
    return value.is_null() ? std::nan("") : value.get<double>();
  };
  std::FILE* summary = summary_stream(options.common);
  std::fprintf(summary, "%ld images, %s\n", data.samples.count(), describe(attack).c_str());
  show(summary, "boost, measured    ", quantiles(real.boost));
  show(summary, "boost, region-exact", quantiles(all.boost_region));
  show(summary, "boost, quadratic   ", quantiles(all.boost_quadratic));
  std::fprintf(summary,
               "rank correlation with the measured boost: region-exact %.3f, quadratic %.3f\n",
               at("rank_correlation", "region"), at("rank_correlation", "quadratic"));
  std::fprintf(summary, "effective share of samples: %.3f clean, %.3f attacked\n",
               at("effective_share", "clean"), at("effective_share", "adversarial"));
  write_measurement(options.common, data, numbers);
}

void run(InfluenceCommand options) {
  apply(options.common);
  const bool one = !options.attack.attack.empty();
  if (one) make_attack(options.attack);  // asked before data is read
  for (const std::string& given : options.attack.given) {
    if (one || given == "--steps") continue;
    throw Error(given + " has no effect on the sweep over attacks; name one with --attack");
  }
  require_file_place("--save", options.save);
  Dataset data = head(load_data(options.common, "test"), options.limit);
  const Network network = required_network(options.common, data);
  if (one) return run_one(options, network, data);
  options.claims.influence.steps = options.attack.steps;
  const NetworkResult result =
      show_claim(options.common, network, data, options.claims, test_influence_claim);
  if (!options.save.empty()) write_npz(options.save, result.influence->arrays);
}

}  // namespace

void add_influence(CLI::App& app) {
  auto options = std::make_shared<InfluenceCommand>();
  options->attack.attack = "";
  options->attack.random_start = false;  // the theory starts at the image
  CLI::App* command = app.add_subcommand(
      "influence", "claim 2: how an attack boosts the influence of samples, and of which");
  command->footer(
      "Example: reluctance influence --model net.onnx --data images.npz --attack raw --beta 0.3 "
      "--save influence.npz\n"
      "Parameters are the weights and biases of Conv, Gemm and MatMul layers and the scales and\n"
      "shifts of batch normalisation, whose statistics are constants, as slopes of PRelu are.\n"
      "Without --attack, a sweep over attacks and the verdict. --save writes, in float64 and N "
      "each:\n"
      "gradient_norm_clean, gradient_norm_adversarial (of the parameters), boost_measured,\n"
      "boost_quadratic (NaN where out of range), boost_region, kappa, confidence, effective_beta "
      "and\n"
      "gates_flipped; of the sweep A x N each, and attack (A x 2: 0 raw, 1 l2, 2 linf; beta or "
      "eps).");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command->add_option("--limit", options->limit, "use the first N images")
      ->transform(whole_number(1, 10000000))
      ->capture_default_str();
  add_attack(*command, options->attack, AttackUse::ascent, "one attack: ");
  command->add_option("--save", options->save, "write theory and measurement to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
