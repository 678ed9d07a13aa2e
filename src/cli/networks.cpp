#include "cli/networks.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "cli/console.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/report/page.hpp"

namespace reluctance {

NetworkResult describe_network(const Network& network, const std::string& file, const Dataset& data,
                               std::uint64_t seed, const AttackOptions& attack_options) {
  const Attack attack = make_attack(attack_options);
  ProgressBar bar(attack.description);
  const auto device = network.device();
  const RobustAccuracy accuracy = robust_accuracy(
      network, data.images.to(device), data.labels.to(device), attack, seed, bar.receiver());
  const std::string name = std::filesystem::path(file).stem().string();
  return {name,
          name,
          file,
          summary(network),
          network.parameter_count(),
          {},
          accuracy.clean,
          accuracy.robust,
          attack.description};
}

void test_dynamics_claim(NetworkResult& result, const Network& network, const Dataset& data,
                         const ClaimOptions& options) {
  ProgressBar bar(result.title + ": claim 1");
  result.dynamics =
      test_dynamics(network, data.images, data.labels, options.dynamics, bar.receiver());
}

void test_influence_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options) {
  ProgressBar bar(result.title + ": claim 2");
  result.influence =
      test_influence(network, data.images, data.labels, options.influence, bar.receiver());
}

void test_curvature_claim(NetworkResult& result, const Network& network, const Dataset& data,
                          const ClaimOptions& options) {
  ProgressBar bar(result.title + ": claim 3");
  result.curvature =
      test_curvature(network, data.images, data.labels, options.curvature, bar.receiver());
  result.curvature->data = data.name;
}

void run_claim(const CommonOptions& common, const Network& network, const Dataset& data,
               const ClaimOptions& options, decltype(test_dynamics_claim)* test) {
  Results results{run_info(common), data_info(data), {}};
  const auto begin = std::chrono::steady_clock::now();
  results.networks.push_back(describe_network(network, common.model, data, common.seed));
  test(results.networks.back(), network, data, options);
  results.run.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::fputs(results_text(results).c_str(), summary_stream(common));
  write_json(common, results_json(results));
}

void write_report(const CommonOptions& common, const Results& results) {
  const std::string json = results_json(results);
  write_file(common.out / "results.json", json);
  write_file(common.out / "report.html", report_page(json));
  write_json(common, json);
  std::fprintf(summary_stream(common), "%s\n%s\n", results_text(results).c_str(),
               (common.out / "report.html").c_str());
}

Network required_network(const CommonOptions& common, const Dataset& data) {
  if (common.model.empty()) throw Error("--model is missing: name the ONNX file to explain");
  return load_network(common, data);
}

}  // namespace reluctance
