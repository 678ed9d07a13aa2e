#include "setting.hpp"

#include <ATen/ATen.h>

#include <cstdio>
#include <map>

#include "reluctance/base/error.hpp"
#include "reluctance/network/architectures.hpp"
#include "reluctance/train/trainer.hpp"

namespace reluctance::benchmarks {
namespace {

Dataset load(const std::string& split) {
  try {
    return load_dataset("fashion-mnist:" + split, split);
  } catch (const Error& missing) {
    std::fprintf(stderr, "benchmarks: random images instead of Fashion-MNIST: %s\n",
                 missing.what());
    return {"random:" + split,
            {at::rand({10000, 1, 28, 28}), at::randint(10, {10000}, at::kLong)},
            10,
            {}};
  }
}

Network train_new(const std::string& architecture, const TrainingOptions& training) {
  ArchitectureOptions options;
  options.name = architecture;
  return train({make_network(options), {}, 0, 0, 0, {}}, images_of("train").samples, training)
      .network;
}

// Trained when first asked for.
const Network& kept(std::map<std::string, Network>& networks, const std::string& architecture,
                    const TrainingOptions& training) {
  const auto found = networks.find(architecture);
  return found != networks.end()
             ? found->second
             : networks.emplace(architecture, train_new(architecture, training)).first->second;
}

}  // namespace

const Dataset& images_of(const std::string& split) {
  static std::map<std::string, Dataset> loaded;
  const auto found = loaded.find(split);
  return found != loaded.end() ? found->second : loaded.emplace(split, load(split)).first->second;
}

const Network& trained(const std::string& architecture) {
  static std::map<std::string, Network> networks;
  TrainingOptions training;
  training.epochs = 1;
  return kept(networks, architecture, training);
}

const Network& adversarially_trained(const std::string& architecture) {
  static std::map<std::string, Network> networks;
  PgdOptions pgd;
  pgd.ball = {Norm::linf, 0.05};
  pgd.steps = 5;
  TrainingOptions training;
  training.epochs = 3;
  training.objective.attack = pgd_attack(pgd);
  return kept(networks, architecture, training);
}

}  // namespace reluctance::benchmarks
