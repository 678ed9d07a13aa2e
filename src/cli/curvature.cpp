// reluctance curvature: claim 3 on one network.
#include <ATen/ATen.h>

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
#include "reluctance/network/parameters.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

struct CurvatureCommand {
  CommonOptions common;
  CurvatureQuestion question;
  ClaimOptions claims;
  int64_t limit = 1000;
  std::string save;
};

// One operator: its top eigenpairs and the samples that carry them, for other programs.
void run_one(const CurvatureCommand& options, const ImportedNetwork& imported,
             const Dataset& data) {
  CurvatureQuestion question = options.question;
  question.pairs.count = options.claims.curvature.top;
  question.pairs.tolerance = options.claims.curvature.tolerance;
  question.pairs.context.seed = options.common.seed;
  question.memory = options.claims.curvature.memory;
  const CurvatureAnswer answer = [&] {
    ProgressBars bars;
    question.parts = bars.parts();
    const Network& network = imported.network;
    return ask(network, named_parameters(imported), as_inputs(network, data.samples), question);
  }();
  if (!options.save.empty()) write_npz(options.save, answer.arrays());
  const Eigenpairs& pairs = answer.pairs;
  std::FILE* summary = summary_stream(options.common);
  std::fprintf(summary, "%ld images, %s of %ld parameters, %s\n%ld products%s\n", answer.samples,
               question.matrix.c_str(), pairs.vectors.size(1),
               answer.attack ? describe(*answer.attack).c_str() : "clean", pairs.products,
               pairs.converged ? "" : "; not all eigenpairs reached the tolerance");
  if (question.matrix == "effective") {
    std::fprintf(summary, "the attack has settled on %.1f%% of the images\n", 100 * answer.smooth);
  }
  for (std::size_t k = 0; k < answer.carriers.size(); ++k) {
    std::fprintf(summary, "eigenvalue %ld: %.6g, residual %.2g; %ld images hold half of it\n",
                 k + 1, answer.carriers[k].eigenvalue,
                 pairs.residuals[static_cast<int64_t>(k)].item<double>(), answer.carriers[k].half);
  }
  for (int64_t k = 0; k < answer.smallest.size(0); ++k) {
    std::fprintf(summary, "smallest %ld: %.6g\n", k + 1, answer.smallest[k].item<double>());
  }
  write_measurement(options.common, data, numbers_of(answer, question.matrix));
}

void run(CurvatureCommand options) {
  apply(options.common);
  require_sound(options.question);
  require_file_place("--save", options.save);
  options.claims.curvature.memory = curvature_memory(options.common.memory);
  Dataset data = head(load_data(options.common, "train"), options.limit);
  const ImportedNetwork imported = required_import(options.common, data);
  if (!options.question.matrix.empty()) return run_one(options, imported, data);
  const NetworkResult result =
      show_claim(options.common, imported.network, data, options.claims, test_curvature_claim);
  if (!options.save.empty()) write_npz(options.save, result.curvature->arrays());
}

}  // namespace

void add_curvature(CLI::App& app) {
  auto options = std::make_shared<CurvatureCommand>();
  CLI::App* command = app.add_subcommand(
      "curvature", "claim 3: curvature of the loss in the parameters, and who carries it");
  command->footer(
      "Example: reluctance curvature --model net.onnx --data images.npz --operator effective "
      "--attack pgd --norm l2 --eps 0.5 --top 5 --save curvature.npz\n"
      "Parameters are the weights and biases of Conv, Gemm and MatMul layers and the scales and\n"
      "shifts of batch normalisation, whose statistics are constants, as slopes of PRelu are.\n"
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
  command->add_option("--operator", options->question.matrix,
                      "one operator: hessian, ggn (Gauss-Newton) or effective (what adversarial "
                      "training feels)");
  command->add_option("--parameters", options->question.parameters,
                      "with --operator, the block of these parameters alone, by their names in the "
                      "model: NAME, or NAME of a layer for all of it");
  command
      ->add_option(
          "--smallest", options->question.smallest,
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
  add_attack(*command, options->question.attack, AttackUse::optional_ascent,
             "with --operator, at whose images the curvature is taken: ");
  command->add_option("--save", options->save, "write the eigenpairs' numbers to this NPZ file");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
