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
            at::rand({10000, 1, 28, 28}),
            at::randint(10, {10000}, at::kLong),
            10,
            {}};
  }
}

Network train_one_epoch(const std::string& architecture) {
  ArchitectureOptions options;
  options.name = architecture;
  TrainingState state{make_network(options), {}, 0, 0, 0, {}};
  TrainingOptions training;
  training.epochs = 1;
  const Dataset& data = images_of("train");
  train(state, data.images, data.labels, training);
  return state.network;
}

}  // namespace

const Dataset& images_of(const std::string& split) {
  static std::map<std::string, Dataset> loaded;
  const auto found = loaded.find(split);
  return found != loaded.end() ? found->second : loaded.emplace(split, load(split)).first->second;
}

const Network& trained(const std::string& architecture) {
  static std::map<std::string, Network> networks;
  const auto found = networks.find(architecture);
  return found != networks.end()
             ? found->second
             : networks.emplace(architecture, train_one_epoch(architecture)).first->second;
}

}  // namespace reluctance::benchmarks
