// reluctance curvature: claim 3 on one network.
#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "cli/attacks.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/networks.hpp"
#include "cli/run_record.hpp"
#include "cli/splits.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/suggest.hpp"
#include "reluctance/claims/felt_curvature.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

struct Options {
  CommonOptions common;
  AttackOptions attack;
  ClaimOptions claims;
  int64_t limit = 1000;
  std::string matrix;
  int64_t smallest = 0;  // eigenvalues
  std::string save;
};

// What --operator names: the matrix, and each sample's own part along a direction.
struct Operator {
  std::string name;
  LinearOperator (FeltCurvature::*matrix)() const;
  Tensor (FeltCurvature::*each)(const Tensor& v) const;
};

const std::vector<Operator> operators{
    {"hessian", &FeltCurvature::hessian, &FeltCurvature::sample_hessians},
    {"ggn", &FeltCurvature::gauss_newton, &FeltCurvature::sample_gauss_newton},
    {"effective", &FeltCurvature::effective, &FeltCurvature::sample_curvatures},
};

const Operator& operator_named(const std::string& name) {
  std::vector<std::string> known;
  for (const Operator& each : operators) {
    if (each.name == name) return each;
    known.push_back(each.name);
  }
  throw Error("--operator " + name + ": unknown operator; choose " + listed(known));
}

// One operator: its top eigenpairs and the samples that carry them, for other programs.
void run_one(const Options& options, const Network& network, const Dataset& data) {
  Objective objective;
  objective.attack = make_optional_attack(options.attack);
  if (objective.attack) objective.loss = objective.attack->loss;
  if (options.matrix == "effective" && !objective.attack) {
    throw Error(
        "--operator effective needs an attack: for example --attack pgd --norm l2 --eps 0.5");
  }
  const std::string name = objective.attack ? describe(*objective.attack) : "clean";
  const int64_t memory = options.claims.curvature.memory;
  std::optional<FeltCurvature> felt;
  {
    ProgressBar bar(name);
    felt.emplace(network, as_inputs(network, data.samples), objective,
                 FeltCurvatureOptions{memory, {options.common.seed, bar.receiver()}});
  }
  if (options.matrix == "effective" && felt->is_hessian()) {
    throw Error(
        "--operator effective needs a raw or an L2 attack; under an L-infinity one, whose pixels "
        "rest on their bounds, it is the Hessian: use --operator hessian");
  }
  const Operator& chosen = operator_named(options.matrix);
  Eigenpairs pairs;
  Tensor smallest = at::empty({0}, at::kDouble);
  {
    ProgressBar bar("eigenpairs");
    EigenpairOptions wanted;
    wanted.count = options.claims.curvature.top;
    wanted.tolerance = options.claims.curvature.tolerance;
    wanted.context = {options.common.seed, bar.receiver()};
    pairs = top_eigenpairs(((*felt).*chosen.matrix)(), wanted);
    if (options.smallest > 0) {
      wanted.count = options.smallest;
      smallest = bottom_eigenpairs(((*felt).*chosen.matrix)(), wanted).values;
    }
  }
  std::vector<Carriers> carriers;
  Tensors shares;
  for (int64_t k = 0; k < pairs.values.size(0); ++k) {
    const Tensor each = ((*felt).*chosen.each)(pairs.vectors[k]);
    carriers.push_back(carriers_of(pairs.values[k].item<double>(), each));
    shares.push_back(carriers.back().shares);
  }
  if (!options.save.empty()) {
    write_npz(options.save, {{"eigenvalues", pairs.values},
                             {"residuals", pairs.residuals},
                             {"eigenvectors", pairs.vectors.to(at::kCPU)},
                             {"smallest", smallest},
                             {"sample_share", at::stack(shares)}});
  }
  const double smooth = felt->smooth().to(at::kDouble).mean().item<double>();
  std::FILE* summary = summary_stream(options.common);
  std::fprintf(summary, "%ld images, %s, %s\n%ld products%s\n", data.samples.count(),
               options.matrix.c_str(), name.c_str(), pairs.products,
               pairs.converged ? "" : "; not all eigenpairs reached the tolerance");
  if (options.matrix == "effective") {
    std::fprintf(summary, "the attack has settled on %.1f%% of the images\n", 100 * smooth);
  }
  Json halves = Json::array();
  for (std::size_t k = 0; k < carriers.size(); ++k) {
    std::fprintf(summary, "eigenvalue %ld: %.6g, residual %.2g; %ld images hold half of it\n",
                 k + 1, carriers[k].eigenvalue,
                 pairs.residuals[static_cast<int64_t>(k)].item<double>(), carriers[k].half);
    halves.push_back(carriers[k].half);
  }
  for (int64_t k = 0; k < smallest.size(0); ++k) {
    std::fprintf(summary, "smallest %ld: %.6g\n", k + 1, smallest[k].item<double>());
  }
  Json document = measurement_json(options.common, data);
  document.update(Json{{"operator", options.matrix},
                       {"attack", objective.attack ? Json(name) : Json(nullptr)},
                       {"samples", data.samples.count()},
                       {"eigenvalues", numbers(pairs.values)},
                       {"residuals", numbers(pairs.residuals)},
                       {"smallest", numbers(smallest)},
                       {"converged", pairs.converged},
                       {"products", pairs.products},
                       {"smooth", smooth},
                       {"half", halves}});
  write_measurement(options.common, document);
}

void run(Options options) {
  apply(options.common);
  const bool one = !options.matrix.empty();
  if (one) operator_named(options.matrix);
  if (!one && (options.attack.attack != "none" || !options.attack.given.empty())) {
    throw Error((options.attack.given.empty() ? "--attack" : options.attack.given.front()) +
                " has no effect on the sweep over trainings; name one operator with --operator");
  }
  if (options.smallest > 0 && (!one || options.matrix == "ggn")) {
    throw Error("--smallest has no effect without --operator hessian or effective: " +
                std::string(one ? "no eigenvalue of ggn is negative" : "name one"));
  }
  make_optional_attack(options.attack);  // asked before data is read
  require_file_place("--save", options.save);
  options.claims.curvature.memory = std::min(
      default_curvature_memory, static_cast<int64_t>(options.common.memory / 4 * (1 << 30)));
  Dataset data = head(load_data(options.common, "train"), options.limit);
  const Network network = required_network(options.common, data);
  if (one) return run_one(options, network, data);
  const NetworkResult result =
      run_claim(options.common, network, data, options.claims, test_curvature_claim);
  if (!options.save.empty()) write_npz(options.save, result.curvature->arrays());
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
      "Parameters are the weights and biases of Conv, Gemm and MatMul layers; batch normalisation\n"
      "is folded into the layer before, and slopes of PRelu are constants.\n"
      "Without --operator, all curvatures, the critical learning rates and the verdict. --save "
      "writes,\n"
      "in float64, eigenvalues (K), residuals (K) and sample_share (K x N, each row sums to 1); "
      "without\n"
      "--operator radius and linf (M), eigenvalues (M x K), sample_share (M x K x N) and smooth (M "
      "x "
      "N),\n"
      "M trainings from vanilla on.");
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
  command
      ->add_option(
          "--smallest", options->smallest,
          "with --operator hessian or effective, so many of the smallest eigenvalues, too: "
          "negative ones are directions of descent")
      ->transform(whole_number(0, 1000))
      ->capture_default_str();
  command->add_option("--top", options->claims.curvature.top, "eigenpairs")
      ->transform(whole_number(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--tolerance", options->claims.curvature.tolerance,
                   "of the residuals, relative to the eigenvalue")
      ->transform(positive_number())
      ->capture_default_str();
  add_attack(*command, options->attack, AttackUse::optional_ascent,
             "with --operator, at whose images the curvature is taken: ");
  command->add_option("--save", options->save, "write the eigenpairs' numbers to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
