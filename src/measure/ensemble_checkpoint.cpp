#include "reluctance/measure/ensemble_checkpoint.hpp"

#include <ATen/ATen.h>

#include "reluctance/base/error.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/data/settings.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Columns of "stages": attacked, forward and backward passes.
constexpr int64_t columns = 3;

Tensor stage_counts(const EnsembleResult& result) {
  Tensor counts = at::empty({static_cast<int64_t>(result.stages.size()), columns}, at::kLong);
  for (std::size_t i = 0; i < result.stages.size(); ++i) {
    const StageOutcome& stage = result.stages[i];
    counts[static_cast<int64_t>(i)].copy_(
        at::tensor({stage.attacked, stage.passes.forward, stage.passes.backward}, at::kLong));
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

// What no run comes near to; sums of such counts stay far from overflow.
constexpr int64_t most = int64_t{1} << 50;

Error damaged(const std::filesystem::path& path, const std::string& name) {
  return Error(path.string() + ": its array '" + name +
               "' is missing or damaged; remove the file to start again");
}

void require(bool holds, const std::filesystem::path& path, const std::string& name) {
  if (!holds) throw damaged(path, name);
}

// All of them from 0 to `limit`.
bool within(const Tensor& values, int64_t limit) {
  return values.ge(0).logical_and(values.le(limit)).all().item<bool>();
}

// Different samples that stand and are counted as tried, no more than the wave has.
void require_pending(const std::filesystem::path& path, const Tensor& pending,
                     const EnsembleState& state) {
  const EnsembleResult& result = state.result;
  require(pending.dim() == 1 && pending.size(0) <= state.wave.attacked &&
              within(pending, result.felled_by.size(0) - 1),
          path, "pending");
  const Tensor once = at::zeros_like(result.felled_by).index_fill_(0, pending, 1);
  require(
      once.sum().item<int64_t>() == pending.size(0) &&
          state.tried.index_select(0, pending).all().item<bool>() &&
          result.felled_by.index_select(0, pending).eq(EnsembleResult::stands).all().item<bool>(),
      path, "pending");
}

// A file is believed no more than an attack: what fell is asked again.
void require_fallen(const std::filesystem::path& path, const Network& network,
                    const Samples& samples, const std::vector<Stage>& stages,
                    const EnsembleResult& result) {
  const Tensor clean = samples.images.to(result.adversarial.options());
  const Samples there = samples.with_images(clean).to(network.device());
  constexpr int64_t together =
      500;  // asked all at once, they would take their memory several times
  for (const Tensor& places : result.felled_by.ge(0).nonzero().squeeze(1).split(together)) {
    const Samples those = there.rows(places);
    const Tensor x = result.adversarial.index_select(0, places);
    const Tensor felled_by = result.felled_by.index_select(0, places);
    Tensor holds = succeeded(logits(network, x), those);
    for (std::size_t i = 0; i < stages.size(); ++i) {
      if (!stages[i].attack.ball) continue;
      const Tensor elsewhere = felled_by.ne(static_cast<int64_t>(i));
      holds =
          holds.logical_and(elsewhere.logical_or(inside(*stages[i].attack.ball, those.images, x)));
    }
    require(holds.all().item<bool>(), path, "adversarial");
  }
}

}  // namespace

void save_ensemble(const std::filesystem::path& path, const EnsembleState& state,
                   const std::string& settings) {
  const EnsembleResult& result = state.result;
  write_npz(path,
            {{"settings", text_array(settings)},
             {"felled_by", result.felled_by.to(at::kCPU)},
             {"target", result.target.to(at::kCPU)},
             {"adversarial", result.adversarial.to(at::kCPU)},
             {"margin", result.margin.to(at::kCPU)},
             {"pending", state.pending.to(at::kCPU)},
             {"tried", state.tried.to(at::kCPU)},
             {"repetition", at::tensor({state.repetition, state.wave.attacked, state.wave.felled,
                                        state.whole.attacked, state.whole.felled},
                                       at::kLong)},
             {"stages", stage_counts(result)},
             {"seconds", stage_seconds(result)}});
}

EnsembleState load_ensemble(const std::filesystem::path& path, const std::string& settings,
                            const std::vector<Stage>& stages, const Network& network,
                            const Samples& samples) {
  auto arrays = read_npz(path);
  const auto take = [&](const std::string& name, c10::ScalarType dtype) {
    const auto found = arrays.find(name);
    if (found == arrays.end() || found->second.scalar_type() != dtype) throw damaged(path, name);
    return found->second;
  };
  require_same_settings(path, array_text(take("settings", at::kByte)), settings,
                        "repeat the options it was started with, or choose another --save");
  EnsembleState state = begin_ensemble(network, samples);
  EnsembleResult& result = state.result;
  const Tensor wrong = result.felled_by.eq(EnsembleResult::wrong);
  const auto restore = [&](const char* name, Tensor& to) {
    const Tensor saved = take(name, to.scalar_type());
    if (saved.sizes() != to.sizes()) throw damaged(path, name);
    to = saved.to(to.device());
  };
  restore("felled_by", result.felled_by);
  restore("target", result.target);
  restore("adversarial", result.adversarial);
  restore("margin", result.margin);
  restore("tried", state.tried);
  const Tensor counts = take("stages", at::kLong);
  const Tensor seconds = take("seconds", at::kDouble);
  const Tensor repetition = take("repetition", at::kLong);
  const Tensor pending = take("pending", at::kLong).to(result.felled_by.device());
  require(counts.dim() == 2 && counts.size(1) == columns &&
              counts.size(0) <= static_cast<int64_t>(stages.size()) && within(counts, most),
          path, "stages");
  const int64_t begun = counts.size(0);
  require(seconds.sizes() == at::IntArrayRef{begun} && seconds.ge(0).all().item<bool>(), path,
          "seconds");
  require(repetition.sizes() == at::IntArrayRef{5} && within(repetition, most), path, "repetition");
  const auto number = [&](int64_t place) { return repetition[place].item<int64_t>(); };
  state.repetition = number(0);
  state.wave = {number(1), number(2)};
  state.whole = {number(3), number(4)};
  require(state.wave.felled <= state.wave.attacked && state.whole.felled <= state.whole.attacked &&
              state.wave.attacked <= state.whole.attacked &&
              state.wave.felled <= state.whole.felled && state.whole.attacked <= wrong.size(0) &&
              (begun > 0 || state.whole.attacked == 0),
          path, "repetition");
  require(at::equal(result.felled_by.eq(EnsembleResult::wrong), wrong) &&
              within(result.felled_by - EnsembleResult::wrong, begun - EnsembleResult::wrong - 1),
          path, "felled_by");
  require_pending(path, pending, state);
  require_fallen(path, network, samples, stages, result);
  state.pending = pending;
  for (int64_t i = 0; i < begun; ++i) {
    const auto* row = counts[i].data_ptr<int64_t>();
    const auto left = result.felled_by.eq(EnsembleResult::stands)
                          .logical_or(result.felled_by.gt(i))
                          .sum()
                          .item<int64_t>();
    result.stages.push_back({stages[static_cast<std::size_t>(i)].attack.name,
                             row[0],
                             share(left, wrong.size(0)),
                             seconds[i].item<double>(),
                             {row[1], row[2]}});
    result.passes += result.stages.back().passes;
    result.robust = result.stages.back().robust;
  }
  return state;
}

}  // namespace reluctance
