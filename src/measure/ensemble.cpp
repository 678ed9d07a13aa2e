#include "reluctance/measure/ensemble.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "reluctance/base/random.hpp"
#include "reluctance/geometry/ball.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Indices of those of the n samples whose claim holds; counts what asking costs.
Tensor confirmed(const Network& network, const Samples& samples, const Attack& attack,
                 const AttackResult& claim, PassCount& passes) {
  const Tensor adversarial = claim.adversarial.view_as(samples.images);
  Tensor claimed = claim.success;
  if (attack.ball) {
    claimed = claimed.logical_and(inside(*attack.ball, samples.images, adversarial));
  }
  const Tensor asked = claimed.nonzero().squeeze(1);
  if (asked.size(0) == 0) return asked;
  passes.forward += asked.size(0);
  const Tensor z = logits(network, adversarial.index_select(0, asked));
  const Tensor fell = answered_wrong(z, samples.labels.index_select(0, asked));
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
void run_block(EnsembleState& state, const Network& network, const Samples& samples,
               const Attack& attack, const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  EnsembleResult& result = state.result;
  StageOutcome& outcome = result.stages.back();
  const Tensor rows = state.pending.slice(0, 0, block_size);
  const Samples block = samples.rows(rows);
  const AttackResult claim = attack.run(network, block, context);
  PassCount passes = claim.passes;
  const Tensor fallen = confirmed(network, block, attack, claim, passes);
  const Tensor places = rows.index_select(0, fallen);
  const Tensor adversarial = claim.adversarial.view_as(block.images);
  result.felled_by.index_fill_(0, places, static_cast<int64_t>(result.stages.size()) - 1);
  result.adversarial.index_copy_(0, places, adversarial.index_select(0, fallen));
  if (claim.target.defined()) {
    result.target.index_copy_(0, places, claim.target.index_select(0, fallen));
  }
  if (claim.margin.defined()) {
    const Tensor known = result.margin.index_select(0, rows);
    result.margin.index_copy_(0, rows, at::fmin(known, claim.margin.to(known.options())));
  }
  state.repeated_felled += places.size(0);
  const auto standing = result.felled_by.eq(EnsembleResult::stands).sum().item<int64_t>();
  result.robust = outcome.robust = share(standing, samples.count());
  outcome.passes += passes;
  result.passes += passes;
  outcome.seconds += seconds_since(start);
  state.pending = state.pending.slice(0, rows.size(0));
}

// Makes the next block's samples pending: what is left of a repetition, another one of the stage,
// or the next stage. False if all is done.
bool begin_block(EnsembleState& state, const std::vector<Stage>& stages) {
  if (state.pending.size(0) > 0) return true;
  EnsembleResult& result = state.result;
  const std::size_t begun = result.stages.size();
  const bool again =
      begun > 0 && static_cast<double>(state.repeated_felled) >
                       stages[begun - 1].again_above * static_cast<double>(state.repeated_attacked);
  if (!again) {
    if (begun == stages.size()) return false;
    result.stages.push_back({stages[begun].attack.name, 0, result.robust, 0, {}});
  }
  state.repetition = again ? state.repetition + 1 : 0;
  state.pending = selected(result, stages[result.stages.size() - 1].share);
  state.repeated_attacked = state.pending.size(0);
  state.repeated_felled = 0;
  result.stages.back().attacked += state.repeated_attacked;
  return true;
}

// The caller's own state is left as it is.
EnsembleState copy_of(EnsembleState state) {
  EnsembleResult& result = state.result;
  for (Tensor* each : {&result.felled_by, &result.target, &result.adversarial, &result.margin}) {
    *each = each->clone();
  }
  return state;
}

Samples on_device(const Network& network, const Samples& samples) {
  return {samples.images.to(network.device(), network.dtype()), samples.labels.to(network.device()),
          samples.index.to(network.device())};
}

}  // namespace

EnsembleState begin_ensemble(const Network& network, const Samples& given) {
  const Samples samples = on_device(network, given);
  const Tensor z = logits(network, samples.images);
  const Tensor right = z.argmax(1).eq(samples.labels);
  EnsembleState state;
  EnsembleResult& result = state.result;
  result.clean = result.robust = share(right.sum().item<int64_t>(), samples.count());
  result.felled_by = at::full_like(samples.labels, EnsembleResult::wrong)
                         .masked_fill_(right, EnsembleResult::stands);
  result.target = at::full_like(samples.labels, -1);
  result.adversarial = samples.images.clone();
  result.margin = margins(z, samples.labels);
  state.pending = at::empty({0}, samples.labels.options());
  return state;
}

EnsembleResult run_ensemble(const Network& network, const Samples& given,
                            const std::vector<Stage>& stages, const EnsembleOptions& options) {
  const Samples samples = on_device(network, given);
  EnsembleState state = options.from ? copy_of(*options.from) : begin_ensemble(network, samples);
  EnsembleResult& result = state.result;
  const auto total = static_cast<int64_t>(stages.size()) * samples.count();
  int64_t reported = 0;
  while (begin_block(state, stages)) {
    const std::size_t stage = result.stages.size() - 1;
    const int64_t before = state.repeated_attacked - state.pending.size(0);
    const int64_t block = std::min(state.pending.size(0), block_size);
    // A stage counts as all samples, however few it attacks and how often.
    const auto report = [&](double done) {
      const double part =
          state.repeated_attacked > 0 ? done / static_cast<double>(state.repeated_attacked) : 1;
      const double stages_done = static_cast<double>(stage) + part;
      reported = std::max(reported,
                          static_cast<int64_t>(stages_done * static_cast<double>(samples.count())));
      if (options.context.progress) options.context.progress(reported, total);
    };
    if (block > 0) {
      // Of the stage and its repetition alone: what is random in a block is its samples' own.
      const std::uint64_t seed = derive_seed(
          options.context.seed,
          {static_cast<std::uint64_t>(stage), static_cast<std::uint64_t>(state.repetition)});
      run_block(state, network, samples, stages[stage].attack,
                {seed, [&](int64_t done, int64_t of) {
                   const double part = static_cast<double>(done) / static_cast<double>(of);
                   report(static_cast<double>(before) + static_cast<double>(block) * part);
                 }});
    }
    report(static_cast<double>(before + block));
    if (options.checkpoint) options.checkpoint(state);
  }
  return result;
}

}  // namespace reluctance
