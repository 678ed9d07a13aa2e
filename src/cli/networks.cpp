#include "cli/networks.hpp"

#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/run_record.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/measure/ensemble.hpp"
#include "reluctance/network/layout.hpp"
#include "reluctance/network/onnx.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/report/page.hpp"

namespace reluctance {

NetworkResult describe_network(const Network& network, const std::string& file, const Dataset& data,
                               std::uint64_t seed, const AttackOptions& attack_options) {
  const GradientAscent attack = make_attack(attack_options);
  ProgressBar bar(describe(attack));
  const EnsembleResult accuracy =
      run_ensemble(network, data.samples, {{as_attack(attack)}}, {{seed, bar.receiver()}, {}, {}});
  const std::string name = std::filesystem::path(file).stem().string();
  return {name,
          name,
          file,
          summary(network),
          network.parameter_count(),
          {},
          accuracy.clean,
          accuracy.robust,
          describe(attack)};
}

void test_dynamics_claim(NetworkResult& result, const Network& network, const Dataset& data,
                         const ClaimOptions& options) {
  ProgressBar bar(result.title + ": claim 1");
  result.dynamics = test_dynamics(network, data.samples, options.dynamics, bar.receiver());
}

void test_influence_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options) {
  ProgressBar bar(result.title + ": claim 2");
  result.influence =
      test_influence(network, data.samples, options.influence, {options.seed, bar.receiver()});
}

void test_curvature_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options) {
  ProgressBar bar(result.title + ": claim 3");
  result.curvature =
      test_curvature(network, data.samples, options.curvature, {options.seed, bar.receiver()});
  result.curvature->data = data.name;
}

NetworkResult run_claim(const CommonOptions& common, const Network& network, const Dataset& data,
                        const ClaimOptions& options, decltype(test_dynamics_claim)* test) {
  ClaimOptions seeded = options;
  seeded.seed = common.seed;
  Results results{run_info(common), data_info(data), {}};
  const auto begin = std::chrono::steady_clock::now();
  results.networks.push_back(describe_network(network, common.model, data, common.seed));
  test(results.networks.back(), network, data, seeded);
  results.run.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::fputs(results_text(results).c_str(), summary_stream(common));
  write_json(common, results_json(results));
  return results.networks.back();
}

void write_report(const CommonOptions& common, const Results& results) {
  const std::string json = results_json(results);
  write_file(common.out / "results.json", json);
  write_file(common.out / "report.html", report_page(json));
  write_json(common, json);
  std::fprintf(summary_stream(common), "%s\n%s\n", results_text(results).c_str(),
               (common.out / "report.html").c_str());
}

void arrange(const CommonOptions& common, const Network& network, Dataset& data) {
  const Shape shape = sample_shape(data);
  ImageLayout layout;
  try {
    layout = image_layout(shape, network.input_shape());
  } catch (const Error& error) {
    throw Error(common.model + ": " + error.what() + " (" + data.name + ")");
  }
  if (layout.order.empty()) return;
  std::vector<int64_t> axes{0};
  for (const int64_t axis : layout.order) axes.push_back(axis + 1);
  data.samples.images = data.samples.images.permute(axes).contiguous();
  note(data.name + ": " + layout.note);
}

namespace {

// Where --mean and --std say so, the network that takes pixels in place of normalised ones.
Network of_pixels(const CommonOptions& common, const Network& network) {
  if (common.normalisation.none()) return network;
  try {
    return normalised(network, common.normalisation);
  } catch (const Error& error) {
    throw Error(common.model + ": --" + error.what());
  }
}

}  // namespace

Network load_network(const CommonOptions& common, Dataset& data) {
  if (common.answer != "max" && common.answer != "min") {
    throw Error("unknown answer '" + common.answer + "'; --answer is max or min");
  }
  const ImportedNetwork imported = read_onnx(common.model, {common.output, common.answer == "min"});
  const Network network = of_pixels(common, imported.network);
  const double gib =
      static_cast<double>(bytes_of_sample(network) * at::get_num_threads()) / (1 << 30);
  if (gib > common.memory) {
    std::ostringstream text;
    text.precision(3);
    text << common.model << ": takes " << gib << " GiB for one image on each of "
         << at::get_num_threads() << " threads, more than --memory " << common.memory
         << "; use a smaller network, fewer --threads or more --memory";
    throw Error(text.str());
  }
  arrange(common, network, data);
  require_labels_below(data, network.classes());
  const Tensor answers = logits(network, head(data, 8).samples.images);
  if (!answers.isfinite().all().item<bool>()) {
    throw Error(common.model + ": its logits are not finite on " + data.name +
                "; check its weights and the scale of the images");
  }
  for (const std::string& each : imported.notes) note(common.model + ": " + each);
  return on_device(common, network);
}

Network required_network(const CommonOptions& common, Dataset& data) {
  if (common.model.empty()) throw Error("--model is missing: name the network's ONNX file");
  return load_network(common, data);
}

void show(std::FILE* summary, const char* what, const std::optional<Quantiles>& q) {
  if (!q) return;
  std::fprintf(summary, "%s %.3g (middle half %.3g to %.3g)\n", what, q->median, q->q25, q->q75);
}

}  // namespace reluctance
