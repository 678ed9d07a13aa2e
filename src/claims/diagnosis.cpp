#include "reluctance/claims/diagnosis.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <sstream>
#include <utility>

#include "claims/diagnosis_line.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace

std::vector<WatchedStep> watched_steps(const std::string& lines) {
  std::vector<WatchedStep> steps;
  std::istringstream rest(lines);
  for (std::string line; std::getline(rest, line);) {
    const Json entry = diagnosis_line(line);
    const auto number_at = [](const Json& object, const char* key) {
      const bool known = object.is_object() && object.contains(key) && object[key].is_number();
      return known ? object[key].get<double>() : std::nan("");
    };
    const double step = number_at(entry, "step");
    const double rate = number_at(entry, "learning_rate");
    const double critical = number_at(entry, "critical");
    const double felt = entry.is_object() && entry.contains("rate_times_curvature")
                            ? number_at(entry["rate_times_curvature"], "effective")
                            : std::nan("");
    if (!(step >= 0 && step < 1e15 && critical > 0) || !std::isfinite(rate + felt)) continue;
    steps.push_back({static_cast<int64_t>(step), rate, felt, critical});
  }
  return steps;
}

Diagnosis::Diagnosis(Samples samples, DiagnosisOptions options)
    : samples_(std::move(samples)), options_(std::move(options)) {}

void Diagnosis::follow(const TrainingState& state, double learning_rate, bool begins) {
  const Tensor now = state.network.flat_parameters();
  if (begins) {
    parameters_.reset();
    update_.reset();
    projections_.reset();
  }
  if (parameters_.defined()) {
    const Tensor update = now - parameters_;
    if (update_.defined()) {
      const double cosine = (update.dot(update_) / (update.norm() * update_.norm())).item<double>();
      if (std::isfinite(cosine)) {
        ++compared_;
        opposed_ += cosine < 0;
        cosine_sum_ += cosine;
      }
    }
    update_ = update;
    if (vectors_.defined()) {
      const Tensor projections = at::mv(vectors_, update).to(at::kCPU);
      if (projections_.defined()) {
        flips_ += (projections * projections_).lt(0).to(at::kDouble);
        ++projected_;
      }
      projections_ = projections;
    }
  }
  parameters_ = now;
  learning_rate_ = learning_rate;
}

bool Diagnosis::after_step(const TrainingState& state, double learning_rate) {
  follow(state, learning_rate);
  if (!is_due(state.step)) return false;
  ask(state, critical_of_training());
  return true;
}

bool Diagnosis::catch_up(const TrainingState& state) {
  if (!parameters_.defined() || asked_ == state.step || !is_due(state.step)) return false;
  ask(state, critical_of_training());
  return true;
}

bool Diagnosis::is_due(int64_t step) const {
  const bool early = step < options_.every && (step & (step - 1)) == 0;
  return early || step % options_.every == 0;
}

void Diagnosis::ask(const TrainingState& state, double critical) {
  const auto begin = std::chrono::steady_clock::now();
  const Network& network = state.network;
  EigenpairOptions wanted;
  wanted.count = options_.top;
  wanted.tolerance = 1e-2;  // of the residual; the eigenvalue's own error is of the square
  wanted.context.seed = options_.seed;
  const Objective& objective = options_.objective;
  const FeltCurvatureOptions memory{options_.memory, {}};
  Tensor attacked = samples_.images;
  Eigenpairs felt = top_eigenpairs(
      FeltCurvature(network, samples_, {objective.loss, {}}, memory).hessian(), wanted);
  const double clean = felt.largest();
  double adversarial = clean;
  double effective = clean;
  if (objective.attack) {
    const FeltCurvature curvature(network, samples_, objective, memory);
    attacked = curvature.attacked().images;
    felt = top_eigenpairs(curvature.hessian(), wanted);
    adversarial = effective = felt.largest();
    if (!curvature.is_hessian()) {
      felt = top_eigenpairs(curvature.effective(), wanted);
      effective = felt.largest();
    } else if (is_linf(objective.attack) && felt.vectors.size(0) > 0) {
      effective = swing_curvature(network, samples_, objective, felt.vectors[0], swing_width);
    }
  }
  const Tensor answers = logits(network, attacked);
  const auto share = [](int64_t part, int64_t whole) {
    return whole > 0 ? Json(static_cast<double>(part) / static_cast<double>(whole)) : Json(nullptr);
  };
  Json flips = Json::array();
  for (int64_t k = 0; projected_ > 0 && k < flips_.numel(); ++k) {
    flips.push_back(flips_[k].item<double>() / static_cast<double>(projected_));
  }
  const Json line{
      {"step", state.step},
      {"learning_rate", learning_rate_},
      {"loss", number(objective.loss.value(answers, samples_.labels).mean().item<double>())},
      {"accuracy", answers.argmax(1).eq(samples_.labels).to(at::kDouble).mean().item<double>()},
      {"rate_times_curvature",
       {{"hessian", number(learning_rate_ * clean)},
        {"hessian_adversarial", number(learning_rate_ * adversarial)},
        {"effective", number(learning_rate_ * effective)}}},
      {"critical", number(critical)},
      {"critical_rate", number(critical / effective)},
      {"cosine",
       compared_ > 0 ? number(cosine_sum_ / static_cast<double>(compared_)) : Json(nullptr)},
      {"opposed", share(opposed_, compared_)},
      {"sign_flips", flips},
      {"seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()}};
  lines_ += line.dump() + "\n";
  asked_ = state.step;
  vectors_ = felt.vectors;
  projections_.reset();
  flips_ = at::zeros({vectors_.size(0)}, at::kDouble);
  compared_ = opposed_ = projected_ = 0;
  cosine_sum_ = 0;
}

NamedTensors Diagnosis::followed() const {
  NamedTensors all{{"counters", at::tensor({asked_, compared_, opposed_, projected_}, at::kLong)},
                   {"numbers", at::tensor({cosine_sum_, learning_rate_}, at::kDouble)}};
  for (const auto& [name, tensor] : {std::pair("update", &update_),
                                     {"vectors", &vectors_},
                                     {"projections", &projections_},
                                     {"flips", &flips_}}) {
    if (tensor->defined()) all.emplace_back(name, tensor->to(at::kCPU));
  }
  return all;
}

void Diagnosis::resume(const std::string& lines, const TrainingState& state) {
  // A line after the one that was last when the state was saved will be asked for again.
  const auto keep = [&](int64_t last) {
    std::istringstream rest(lines);
    for (std::string line; std::getline(rest, line);) {
      const Json entry = diagnosis_line(line);
      if (entry.is_object() && entry.contains("step") && entry["step"].is_number_integer() &&
          entry["step"].get<int64_t>() <= last) {
        lines_ += line + "\n";
      }
    }
  };
  if (state.step == 0 || state.followed.empty()) return keep(state.step);
  parameters_ = state.network.flat_parameters();
  const auto take = [&](const std::string& name, const Tensor& like) {
    for (const auto& [known, tensor] : state.followed) {
      if (known != name) continue;
      if (tensor.scalar_type() != like.scalar_type() || tensor.sizes() != like.sizes()) break;
      return tensor.to(like.device());
    }
    throw Error("what was followed of the training, '" + name + "', is missing or damaged");
  };
  const auto has = [&](const std::string& name) {
    return std::any_of(state.followed.begin(), state.followed.end(),
                       [&](const auto& each) { return each.first == name; });
  };
  const Tensor counters = take("counters", at::zeros({4}, at::kLong));
  asked_ = counters[0].item<int64_t>();
  compared_ = counters[1].item<int64_t>();
  opposed_ = counters[2].item<int64_t>();
  projected_ = counters[3].item<int64_t>();
  const Tensor numbers = take("numbers", at::zeros({2}, at::kDouble));
  cosine_sum_ = numbers[0].item<double>();
  learning_rate_ = numbers[1].item<double>();
  keep(asked_);
  if (has("update")) update_ = take("update", parameters_);
  if (!has("vectors")) return;
  const Tensor top =
      at::zeros({std::min(options_.top, parameters_.size(0))}, parameters_.options());
  vectors_ = take("vectors", top.unsqueeze(1).expand({-1, parameters_.size(0)}));
  flips_ = take("flips", top.to(at::kCPU, at::kDouble));
  if (has("projections")) projections_ = take("projections", top.to(at::kCPU));
}

}  // namespace reluctance
