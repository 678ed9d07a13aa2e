// reluctance influence: claim 2 on one network.
#include <ATen/ATen.h>

#include <cstdio>
#include <memory>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/networks.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/data/npz.hpp"

namespace reluctance {
namespace {

struct Options {
  CommonOptions common;
  AttackOptions attack;
  ClaimOptions claims;
  int64_t limit = 256;
  std::string save;
};

void show(const char* what, const std::optional<Quantiles>& q) {
  if (q) std::printf("%s %.3g (middle half %.3g to %.3g)\n", what, q->median, q->q25, q->q75);
}

// One attack: theory and measurement of every sample, for other programs.
void run_one(const Options& options, const Network& network, const Dataset& data) {
  const Attack attack = make_attack(options.attack);
  InfluenceSamples samples;
  {
    ProgressBar bar("theory and attack");
    samples = compare_influence(network, data.images, data.labels, attack, bar.receiver());
  }
  const InfluenceMeasurement& real = samples.measured;
  if (!options.save.empty()) {
    write_npz(options.save, {{"gradient_norm_clean", real.gradient_norm_clean},
                             {"gradient_norm_adversarial", real.gradient_norm_adversarial},
                             {"boost_measured", real.boost},
                             {"boost_quadratic", samples.boost_quadratic},
                             {"boost_region", samples.boost_region},
                             {"kappa", samples.kappa},
                             {"confidence", real.confidence},
                             {"effective_beta", real.effective_strength},
                             {"gates_flipped", real.gates_flipped}});
  }
  const Concentration clean = concentration(real.gradient_norm_clean);
  const Concentration adversarial = concentration(real.gradient_norm_adversarial);
  std::printf("%ld images, %s\n", data.images.size(0), attack.description.c_str());
  show("boost, measured    ", quantiles(real.boost));
  show("boost, region-exact", quantiles(samples.boost_region));
  show("boost, quadratic   ", quantiles(samples.boost_quadratic));
  std::printf("rank correlation with the measured boost: region-exact %.3f, quadratic %.3f\n",
              rank_correlation(samples.boost_region, real.boost),
              rank_correlation(samples.boost_quadratic, real.boost));
  std::printf("effective share of samples: %.3f clean, %.3f attacked\n", clean.effective_share,
              adversarial.effective_share);
}

void run(Options options) {
  apply(options.common);
  const bool one = !options.attack.attack.empty();
  if (!options.save.empty() && !one) {
    throw Error("--save writes one attack: name it, for example with --attack raw --beta 0.3");
  }
  if (!options.common.json.empty() && one) {
    throw Error("--json writes the sweep over attacks: leave --attack out, or use --save");
  }
  require_file_place("--save", options.save);
  const Dataset data = head(load_dataset(options.common.data, "test"), options.limit);
  const Network network = required_network(options.common, data);
  if (one) return run_one(options, network, data);
  options.claims.influence.steps = options.attack.steps;
  options.claims.influence.seed = options.common.seed;
  run_claim(options.common, network, data, options.claims, test_influence_claim);
}

}  // namespace

void add_influence(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->attack.attack = "";
  options->attack.random_start = false;  // the theory starts at the image
  CLI::App* command = app.add_subcommand(
      "influence", "claim 2: how an attack boosts the influence of samples, and of which");
  command->footer(
      "Example: reluctance influence --model net.onnx --data images.npz --attack raw --beta 0.3 "
      "--save influence.npz\n"
      "Without --attack, a sweep over attacks and the verdict. --save writes, in float64 and N "
      "each:\n"
      "gradient_norm_clean, gradient_norm_adversarial (of the parameters), boost_measured,\n"
      "boost_quadratic (NaN where out of range), boost_region, kappa, confidence, effective_beta "
      "and\n"
      "gates_flipped.");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command->add_option("--limit", options->limit, "use the first N images")
      ->transform(whole_number(1, 10000000))
      ->capture_default_str();
  command->add_option("--attack", options->attack.attack, "one attack: pgd, fgsm or raw");
  add_attack(*command, options->attack);
  command->add_option("--save", options->save, "write theory and measurement to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
