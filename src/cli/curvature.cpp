// reluctance curvature: claim 3 on one network.
#include <ATen/ATen.h>

#include <cstdio>
#include <memory>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/networks.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/claims/attack_response.hpp"
#include "reluctance/curvature/hessian.hpp"
#include "reluctance/data/npz.hpp"

namespace reluctance {
namespace {

struct Options {
  CommonOptions common;
  AttackOptions attack;
  ClaimOptions claims;
  int64_t limit = 1000;
  double memory = 2;  // GiB
  std::string matrix;
  std::string save;
};

// One operator: its top eigenpairs and the samples that carry them, for other programs.
void run_one(const Options& options, const Network& network, const Dataset& data) {
  const bool attacked = options.attack.attack != "none";
  if (options.matrix == "effective" && !attacked) {
    throw Error(
        "--operator effective needs an attack: for example --attack pgd --norm l2 --eps 0.5");
  }
  Tensor images = data.images.to(network.device());
  const Tensor labels = data.labels.to(network.device());
  std::optional<Attack> attack;
  std::optional<AttackResponse> response;
  if (attacked) {
    attack = make_attack(options.attack);
    ProgressBar bar(attack->description);
    FollowedAttack followed =
        follow_attack(network, images, labels, *attack, options.common.seed, bar.receiver());
    images = followed.attacked;
    response = std::move(followed.response);
  }
  const auto samples =
      std::make_shared<CurvatureSamples>(network, images, labels, options.claims.curvature.memory);
  std::optional<EffectiveCurvature> effective;
  if (options.matrix == "effective") {
    if (!response) {
      throw Error(
          "--operator effective needs a raw or an L2 attack; under an L-infinity one, whose pixels "
          "rest on their bounds, it is the Hessian: use --operator hessian");
    }
    effective.emplace(samples, *response, options.claims.curvature.memory);
  }
  const LinearOperator matrix = effective                 ? effective->matrix()
                                : options.matrix == "ggn" ? gauss_newton(samples)
                                                          : loss_hessian(samples);
  Eigenpairs pairs;
  {
    ProgressBar bar("eigenpairs");
    EigenpairOptions wanted;
    wanted.count = options.claims.curvature.top;
    wanted.tolerance = options.claims.curvature.tolerance;
    wanted.seed = options.common.seed;
    wanted.progress = bar.receiver();
    pairs = top_eigenpairs(matrix, wanted);
  }
  Tensors shares;
  const auto n = static_cast<double>(samples->count());
  for (int64_t k = 0; k < pairs.values.size(0); ++k) {
    const Tensor v = pairs.vectors[k];
    const Tensor each = effective                 ? effective->sample_curvatures(v)
                        : options.matrix == "ggn" ? sample_gauss_newton(*samples, v)
                                                  : sample_curvatures(*samples, v);
    shares.push_back(each / (n * pairs.values[k].item<double>()));
  }
  if (!options.save.empty()) {
    write_npz(options.save, {{"eigenvalues", pairs.values},
                             {"residuals", pairs.residuals},
                             {"sample_share", at::stack(shares)}});
  }
  std::printf("%ld images, %s, %s\n", samples->count(), options.matrix.c_str(),
              attack ? attack->description.c_str() : "clean");
  std::printf("%ld products%s\n", pairs.products,
              pairs.converged ? "" : "; not all eigenpairs reached the tolerance");
  if (effective) {
    std::printf("the attack follows smoothly on %.1f%% of the images\n",
                100 * effective->smooth().to(at::kDouble).mean().item<double>());
  }
  for (int64_t k = 0; k < pairs.values.size(0); ++k) {
    const Tensor sums = std::get<0>(shares[static_cast<std::size_t>(k)].sort(0, true)).cumsum(0);
    std::printf("eigenvalue %ld: %.6g, residual %.2g; %ld images hold half of it\n", k + 1,
                pairs.values[k].item<double>(), pairs.residuals[k].item<double>(),
                sums.lt(0.5).sum().item<int64_t>() + 1);
  }
}

void run(Options options) {
  apply(options.common);
  const bool one = !options.matrix.empty();
  if (!options.save.empty() && !one) {
    throw Error("--save writes one operator: name it with --operator");
  }
  if (!options.common.json.empty() && one) {
    throw Error("--json writes the whole claim: leave --operator out, or use --save");
  }
  if (one && options.matrix != "hessian" && options.matrix != "ggn" &&
      options.matrix != "effective") {
    throw Error("--operator " + options.matrix +
                ": unknown operator; choose hessian, ggn or effective");
  }
  require_file_place("--save", options.save);
  options.claims.curvature.memory = static_cast<int64_t>(options.memory * (1 << 30));
  options.claims.curvature.seed = options.common.seed;
  const Dataset data = head(load_dataset(options.common.data, "train"), options.limit);
  const Network network = required_network(options.common, data);
  if (one) return run_one(options, network, data);
  run_claim(options.common, network, data, options.claims, test_curvature_claim);
}

}  // namespace

void add_curvature(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->attack.attack = "none";
  options->attack.random_start = false;  // the same attack whatever the parameters
  options->attack.norm = "l2";
  options->attack.epsilon = 0.5;
  CLI::App* command = app.add_subcommand(
      "curvature", "claim 3: curvature of the loss in the parameters, and who carries it");
  command->footer(
      "Example: reluctance curvature --model net.onnx --data images.npz --operator effective "
      "--attack pgd --norm l2 --eps 0.5 --top 5 --save curvature.npz\n"
      "Without --operator, all curvatures, the critical learning rates and the verdict. --save "
      "writes\n"
      "eigenvalues (K), residuals (K) and sample_share (K x N, each row sums to 1), in float64.");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command
      ->add_option("--limit", options->limit,
                   "the batch: the first N training images, or of --data")
      ->transform(whole_number(1, 10000000))
      ->capture_default_str();
  command->add_option("--operator", options->matrix,
                      "one operator: hessian, ggn (Gauss-Newton) or effective (what adversarial "
                      "training feels)");
  command->add_option("--top", options->claims.curvature.top, "eigenpairs")
      ->transform(whole_number(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--tolerance", options->claims.curvature.tolerance,
                   "of the residuals, relative to the eigenvalue")
      ->check(positive_number())
      ->capture_default_str();
  command->add_option("--memory", options->memory, "GiB that the products may share")
      ->check(number_between(0.0, 1e6))
      ->capture_default_str();
  command
      ->add_option("--attack", options->attack.attack,
                   "with --operator: none, pgd or raw, at whose images the curvature is taken")
      ->capture_default_str();
  add_attack(*command, options->attack);
  command->add_option("--save", options->save, "write the eigenpairs' numbers to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
