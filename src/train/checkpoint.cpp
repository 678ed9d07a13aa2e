#include "reluctance/train/checkpoint.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <sstream>
#include <utility>
#include <vector>

#include "reluctance/base/error.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/data/settings.hpp"

namespace reluctance {
namespace {

const std::string followed = "followed_";

std::string indexed(const char* name, std::size_t k) { return name + ("_" + std::to_string(k)); }

}  // namespace

std::string training_settings(const TrainingOptions& options, const std::string& subject) {
  std::ostringstream text;
  text.precision(17);
  text << "subject: " << subject << "\nloss: " << options.objective.loss.name << "\nattack: "
       << (options.objective.attack ? describe(*options.objective.attack, 17) : "none")
       << "\nepochs: " << options.epochs << "\nbatch size: " << options.batch_size
       << "\nlearning rate: " << options.learning_rate << "\nmomentum: " << options.momentum
       << "\nweight decay: " << options.weight_decay << "\ncarry: " << options.carry
       << "\ncrop: " << options.augmentation.crop << "\nflip: " << options.augmentation.flip
       << "\nschedule: " << to_string(options.schedule) << "\nseed: " << options.seed
       << "\nthreads: " << at::get_num_threads()
       << "\n";  // the order of sums, and so their rounding
  return text.str();
}

void save_checkpoint(const std::filesystem::path& path, const TrainingState& state,
                     const std::string& settings) {
  NamedTensors arrays{{"settings", text_array(settings)},
                      {"metrics", text_array(state.metrics)},
                      {"counters", at::tensor({state.step, state.correct_sum}, at::kLong)},
                      {"loss_sum", at::full({1}, state.loss_sum, at::kDouble)}};
  const Tensors parameters = state.network.parameters();
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    arrays.emplace_back(indexed("parameter", k), parameters[k].to(at::kCPU));
    arrays.emplace_back(indexed("velocity", k), state.velocity[k].to(at::kCPU));
  }
  if (state.carried.defined()) arrays.emplace_back("carried", state.carried.to(at::kCPU));
  for (const auto& [name, tensor] : state.followed) arrays.emplace_back(followed + name, tensor);
  write_npz(path, arrays);
}

TrainingState load_checkpoint(const std::filesystem::path& path, const Network& network,
                              const std::string& settings) {
  auto arrays = read_npz(path);
  const auto take = [&](const std::string& name, c10::ScalarType dtype, const Shape* shape) {
    const auto found = arrays.find(name);
    if (found == arrays.end() || found->second.scalar_type() != dtype ||
        (shape && found->second.sizes() != *shape)) {
      throw Error(path.string() + ": its array '" + name +
                  "' is missing or of another shape; it is no checkpoint of this architecture");
    }
    return found->second;
  };
  require_same_settings(path, array_text(take("settings", at::kByte, nullptr)), settings,
                        "repeat the options it was started with, or choose another --out");
  const Shape pair{2};
  const Shape single{1};
  TrainingState state{network.clone(), {}, 0, 0, 0, {}};
  state.metrics = array_text(take("metrics", at::kByte, nullptr));
  const Tensor counters = take("counters", at::kLong, &pair);
  state.step = counters[0].item<int64_t>();
  state.correct_sum = counters[1].item<int64_t>();
  if (state.step < 0 || state.correct_sum < 0) {
    throw Error(path.string() + ": its counters are negative; the file is damaged");
  }
  state.loss_sum = take("loss_sum", at::kDouble, &single).item<double>();
  Tensors parameters = state.network.parameters();
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const Shape shape(parameters[k].sizes().begin(), parameters[k].sizes().end());
    const c10::ScalarType dtype = parameters[k].scalar_type();
    const c10::Device device = parameters[k].device();
    parameters[k] = take(indexed("parameter", k), dtype, &shape).to(device);
    state.velocity.push_back(take(indexed("velocity", k), dtype, &shape).to(device));
  }
  state.network.set_parameters(parameters);
  if (arrays.contains("carried")) {
    state.carried = take("carried", at::kHalf, nullptr).to(network.device());
    if (state.carried.dim() == 0 || state.carried.numel() % network.inputs() != 0) {
      throw Error(path.string() + ": its perturbations are not of this network's images");
    }
  }
  for (const auto& [name, tensor] : arrays) {
    if (name.starts_with(followed)) {
      state.followed.emplace_back(name.substr(followed.size()), tensor);
    }
  }
  return state;
}

}  // namespace reluctance
