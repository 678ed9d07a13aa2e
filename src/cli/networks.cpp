#include "cli/networks.hpp"

#include <filesystem>

#include "cli/console.hpp"
#include "reluctance/measure/accuracy.hpp"

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
          attack.description,
          {}};
}

void test_claims(NetworkResult& result, const Network& network, const Dataset& data,
                 const DynamicsOptions& options) {
  ProgressBar bar(result.title + ": claim 1");
  result.dynamics = test_dynamics(network, data.images, data.labels, options, bar.receiver());
}

}  // namespace reluctance
