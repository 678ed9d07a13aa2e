#include "reluctance/measure/ensemble_checkpoint.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "reluctance/base/error.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/data/settings.hpp"

namespace reluctance {
namespace {

// Columns of "stages": attacked, forward and backward passes, samples that stand after it.
constexpr int64_t columns = 4;

Tensor stage_counts(const EnsembleResult& result) {
  Tensor counts = at::empty({static_cast<int64_t>(result.stages.size()), columns}, at::kLong);
  for (std::size_t i = 0; i < result.stages.size(); ++i) {
    const StageOutcome& stage = result.stages[i];
    const auto standing = static_cast<int64_t>(
        std::llround(stage.robust.value * static_cast<double>(stage.robust.samples)));
    counts[static_cast<int64_t>(i)].copy_(at::tensor(
        {stage.attacked, stage.passes.forward, stage.passes.backward, standing}, at::kLong));
  }
  return counts;
}

Tensor stage_seconds(const EnsembleResult& result) {
  Tensor seconds = at::empty({static_cast<int64_t>(result.stages.size())}, at::kDouble);
  for (std::size_t i = 0; i < result.stages.size(); ++i) {
    seconds[static_cast<int64_t>(i)] = result.stages[i].seconds;
  }
  return seconds;
}

}  // namespace

void save_ensemble(const std::filesystem::path& path, const EnsembleState& state,
                   const std::string& settings) {
  const EnsembleResult& result = state.result;
  write_npz(path, {{"settings", text_array(settings)},
                   {"felled_by", result.felled_by.to(at::kCPU)},
                   {"target", result.target.to(at::kCPU)},
                   {"adversarial", result.adversarial.to(at::kCPU)},
                   {"margin", result.margin.to(at::kCPU)},
                   {"pending", state.pending.to(at::kCPU)},
                   {"turn", at::tensor({state.turn_attacked, state.turn_felled}, at::kLong)},
                   {"stages", stage_counts(result)},
                   {"seconds", stage_seconds(result)}});
}

void load_ensemble(const std::filesystem::path& path, const std::string& settings,
                   const std::vector<Stage>& stages, EnsembleState& state) {
  auto arrays = read_npz(path);
  const auto damaged = [&](const std::string& name) {
    return Error(path.string() + ": its array '" + name +
                 "' is missing or damaged; remove the file to start again");
  };
  const auto take = [&](const std::string& name, c10::ScalarType dtype) {
    const auto found = arrays.find(name);
    if (found == arrays.end() || found->second.scalar_type() != dtype) throw damaged(name);
    return found->second;
  };
  require_same_settings(path, array_text(take("settings", at::kByte)), settings,
                        "repeat the options it was started with, or choose another --save");
  EnsembleResult& result = state.result;
  const auto restore = [&](const char* name, Tensor& to) {
    const Tensor saved = take(name, to.scalar_type());
    if (saved.sizes() != to.sizes()) throw damaged(name);
    to = saved.to(to.device());
  };
  restore("felled_by", result.felled_by);
  restore("target", result.target);
  restore("adversarial", result.adversarial);
  restore("margin", result.margin);
  const int64_t samples = result.felled_by.size(0);
  const Tensor counts = take("stages", at::kLong);
  const Tensor seconds = take("seconds", at::kDouble);
  const Tensor turn = take("turn", at::kLong);
  const Tensor pending = take("pending", at::kLong);
  const auto most = static_cast<int64_t>(stages.size());
  if (counts.dim() != 2 || counts.size(1) != columns || counts.size(0) > most ||
      counts.lt(0).any().item<bool>()) {
    throw damaged("stages");
  }
  if (seconds.sizes() != at::IntArrayRef{counts.size(0)}) throw damaged("seconds");
  if (turn.sizes() != at::IntArrayRef{2} || turn.lt(0).any().item<bool>()) throw damaged("turn");
  if (pending.dim() != 1 || pending.size(0) > turn[0].item<int64_t>() ||
      pending.lt(0).logical_or(pending.ge(samples)).any().item<bool>()) {
    throw damaged("pending");
  }
  if (result.felled_by.lt(EnsembleResult::wrong)
          .logical_or(result.felled_by.ge(counts.size(0)))
          .any()
          .item<bool>()) {
    throw damaged("felled_by");
  }
  state.pending = pending.to(result.felled_by.device());
  state.turn_attacked = turn[0].item<int64_t>();
  state.turn_felled = turn[1].item<int64_t>();
  for (int64_t i = 0; i < counts.size(0); ++i) {
    const auto* row = counts[i].data_ptr<int64_t>();
    if (row[3] > samples) throw damaged("stages");
    result.stages.push_back({stages[static_cast<std::size_t>(i)].name,
                             row[0],
                             share(row[3], samples),
                             seconds[i].item<double>(),
                             {row[1], row[2]}});
    result.passes += result.stages.back().passes;
    result.robust = result.stages.back().robust;
  }
}

}  // namespace reluctance
