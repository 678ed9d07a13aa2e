#include "reluctance/measure/ensemble.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "reluctance/base/random.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Indices of those of the n samples whose claim holds; counts what asking costs.
Tensor confirmed(const Network& network, const Ball& ball, const Tensor& images,
                 const Tensor& labels, const AttackResult& claim, PassCount& passes) {
  const Tensor adversarial = claim.adversarial.view_as(images);
  const Tensor asked =
      claim.success.logical_and(inside(ball, images, adversarial)).nonzero().squeeze(1);
  if (asked.size(0) == 0) return asked;
  passes.forward += asked.size(0);
  const Tensor z = logits(network, adversarial.index_select(0, asked));
  const Tensor fell = answered_wrong(z, labels.index_select(0, asked));
  return asked.index_select(0, fell.nonzero().squeeze(1));
}

constexpr int64_t block_size = 500;

// The samples that a stage attacks: those of least margin first, or all in their order.
Tensor selected(const EnsembleResult& result, double share) {
  const Tensor standing = result.felled_by.eq(EnsembleResult::stands).nonzero().squeeze(1);
  if (share >= 1) return standing;
  const auto count = static_cast<int64_t>(std::ceil(share * static_cast<double>(standing.size(0))));
  const Tensor order = result.margin.index_select(0, standing).argsort(/*stable=*/true, 0, false);
  return standing.index_select(0, order.slice(0, 0, count));
}

// Attacks the next block of the samples that are pending and enters what falls into the result.
void run_block(EnsembleState& state, const Network& network, const Tensor& images,
               const Tensor& labels, const Ball& ball, const Stage& stage, std::uint64_t seed,
               const Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  EnsembleResult& result = state.result;
  StageOutcome& outcome = result.stages.back();
  const Tensor rows = state.pending.slice(0, 0, block_size);
  const Tensor x = images.index_select(0, rows);
  const Tensor y = labels.index_select(0, rows);
  const AttackResult claim = stage.attack(network, x, y, seed, progress);
  PassCount passes = claim.passes;
  const Tensor fallen = confirmed(network, ball, x, y, claim, passes);
  const Tensor places = rows.index_select(0, fallen);
  result.felled_by.index_fill_(0, places, static_cast<int64_t>(result.stages.size()) - 1);
  result.adversarial.index_copy_(0, places, claim.adversarial.view_as(x).index_select(0, fallen));
  if (claim.target.defined()) {
    result.target.index_copy_(0, places, claim.target.index_select(0, fallen));
  }
  if (claim.margin.defined()) {
    const Tensor known = result.margin.index_select(0, rows);
    result.margin.index_copy_(0, rows, at::fmin(known, claim.margin.to(known.options())));
  }
  state.turn_felled += places.size(0);
  const auto standing = result.felled_by.eq(EnsembleResult::stands).sum().item<int64_t>();
  result.robust = outcome.robust = share(standing, images.size(0));
  outcome.passes += passes;
  result.passes += passes;
  outcome.seconds += seconds_since(start);
  state.pending = state.pending.slice(0, rows.size(0));
}

// Makes the next block's samples pending: what is left of a turn, another turn of the stage, or the
// next stage. False if all is done.
bool begin_turn(EnsembleState& state, const std::vector<Stage>& stages) {
  if (state.pending.size(0) > 0) return true;
  EnsembleResult& result = state.result;
  const std::size_t begun = result.stages.size();
  const bool again =
      begun > 0 && static_cast<double>(state.turn_felled) >
                       stages[begun - 1].again_above * static_cast<double>(state.turn_attacked);
  if (!again) {
    if (begun == stages.size()) return false;
    result.stages.push_back({stages[begun].name, 0, result.robust, 0, {}});
  }
  state.pending = selected(result, stages[result.stages.size() - 1].share);
  state.turn_attacked = state.pending.size(0);
  state.turn_felled = 0;
  result.stages.back().attacked += state.turn_attacked;
  return true;
}

}  // namespace

EnsembleState begin_ensemble(const Network& network, const Tensor& images, const Tensor& labels) {
  const Tensor x = images.to(network.device(), network.dtype());
  const Tensor y = labels.to(network.device());
  const Tensor z = logits(network, x);
  const Tensor right = z.argmax(1).eq(y);
  EnsembleState state;
  EnsembleResult& result = state.result;
  result.clean = result.robust = share(right.sum().item<int64_t>(), images.size(0));
  result.felled_by =
      at::full_like(y, EnsembleResult::wrong).masked_fill_(right, EnsembleResult::stands);
  result.target = at::full_like(y, -1);
  result.adversarial = x.clone();
  result.margin = margins(z, y);
  state.pending = at::empty({0}, y.options());
  return state;
}

void run_ensemble(EnsembleState& state, const Network& network, const Tensor& images,
                  const Tensor& labels, const Ball& ball, const std::vector<Stage>& stages,
                  std::uint64_t seed, const EnsembleHooks& hooks) {
  const int64_t samples = images.size(0);
  const Tensor x = images.to(network.device(), network.dtype());
  const Tensor y = labels.to(network.device());
  EnsembleResult& result = state.result;
  const auto total = static_cast<int64_t>(stages.size()) * samples;
  int64_t reported = 0;
  while (begin_turn(state, stages)) {
    const auto stage = static_cast<int64_t>(result.stages.size()) - 1;
    const int64_t before = state.turn_attacked - state.pending.size(0);
    const int64_t attacked = result.stages.back().attacked - state.pending.size(0);
    const int64_t block = std::min(state.pending.size(0), block_size);
    // A stage counts as all samples, however few it attacks and how often.
    const auto report = [&](double done) {
      const double part =
          state.turn_attacked > 0 ? done / static_cast<double>(state.turn_attacked) : 1;
      const auto in_stage = static_cast<int64_t>(part * static_cast<double>(samples));
      reported = std::max(reported, stage * samples + in_stage);
      if (hooks.progress) hooks.progress(reported, total);
    };
    if (block > 0) {
      run_block(state, network, x, y, ball, stages[static_cast<std::size_t>(stage)],
                derive_seed(seed, {static_cast<std::uint64_t>(stage),
                                   static_cast<std::uint64_t>(attacked)}),
                [&](int64_t at, int64_t of) {
                  const double part = static_cast<double>(at) / static_cast<double>(of);
                  report(static_cast<double>(before) + static_cast<double>(block) * part);
                });
    }
    report(static_cast<double>(before + block));
    if (hooks.checkpoint) hooks.checkpoint(state);
  }
}

EnsembleResult run_ensemble(const Network& network, const Tensor& images, const Tensor& labels,
                            const Ball& ball, const std::vector<Stage>& stages, std::uint64_t seed,
                            const Progress& progress) {
  EnsembleState state = begin_ensemble(network, images, labels);
  run_ensemble(state, network, images, labels, ball, stages, seed, {progress, {}});
  return state.result;
}

}  // namespace reluctance
