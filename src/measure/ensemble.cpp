#include "reluctance/measure/ensemble.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "measure/least.hpp"
#include "reluctance/base/large_tensor.hpp"
#include "reluctance/base/piece_size.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/geometry/ball.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Fallen {
  Tensor rows;         // k int64: indices among the samples
  Tensor adversarial;  // k x shape of the images
};

// Those of the samples whose claim holds; counts what asking costs. In chunks: in float64 the
// images of a whole block would take the memory of twenty such blocks.
Fallen confirmed(const Network& network, const Samples& samples, const Attack& attack,
                 const AttackResult& claim, PassCount& passes) {
  const Tensor claimed_at = claim.adversarial.view_as(samples.images);
  const auto chunk = [&](int64_t begin, int64_t end) -> Tensors {
    const Samples part = samples.slice(begin, end);
    Tensor adversarial = claimed_at.slice(0, begin, end);
    Tensor claimed = claim.success.slice(0, begin, end);
    if (attack.ball) {
      claimed = claimed.logical_and(inside(*attack.ball, part.images, adversarial));
    }
    const Tensor asked = claimed.nonzero().squeeze(1);
    adversarial = adversarial.index_select(0, asked);
    if (asked.size(0) == 0) return {asked, adversarial, asked};
    const Samples those = part.rows(asked);
    if (attack.ball) adversarial = drawn_inside(*attack.ball, those.images, adversarial);
    const Tensor answers = forward(network, adversarial, Keep::nothing).logits;
    const Tensor fell = succeeded(answers, those.with_images(adversarial)).nonzero().squeeze(1);
    return {asked.index_select(0, fell) + begin, adversarial.index_select(0, fell), asked};
  };
  const Tensors all = map_chunks(chunks_of(network, samples.count()), chunk);
  passes.forward += all[2].size(0);
  return {all[0], all[1]};
}

// On CPUs the same for processes_alike: what stands is attacked in the same company then
// (attack/standing.hpp). More threads and processes have more to do at once, unless images are
// large: an attack takes the memory of some eight blocks.
int64_t block_size(const Tensor& images) {
  constexpr int64_t alone = 500;
  constexpr int64_t of_thread = 64;
  constexpr int64_t bytes = 1 << 28;
  constexpr int64_t fewest = 64;
  const int64_t processes = launch().count;
  const int64_t wanted =
      images.is_cpu() ? of_thread * at::get_num_threads() * std::max(processes_alike, processes)
                      : alone * processes;
  const auto image = static_cast<int64_t>(std::max<std::size_t>(1, images.slice(0, 0, 1).nbytes()));
  const int64_t fit = bytes * std::clamp<int64_t>(processes / processes_alike, 1, 4) / image;
  return std::min(std::max(alone, wanted), std::max(fewest, fit));
}

// Fewer attacks are no evidence that a stage does not pay.
constexpr int64_t evidence = 50;

bool pays(const Stage& stage, const EnsembleState::Yield& yield) {
  return static_cast<double>(yield.felled) >= stage.pays * static_cast<double>(yield.attacked);
}

// The next wave of a stage: three quarters by margin, the others by chance.
Tensor next_wave(const EnsembleState& state, const Stage& stage, const Samples& samples,
                 std::uint64_t seed) {
  const EnsembleResult& result = state.result;
  const Tensor stands = result.felled_by.eq(EnsembleResult::stands);
  const Tensor left = stands.logical_and(state.tried.logical_not()).nonzero().squeeze(1);
  if (stage.pays == 0) return left;
  const int64_t fewest = (evidence + stage.repetitions - 1) / stage.repetitions;
  const int64_t size = std::max(fewest, stands.sum().item<int64_t>() / 10);
  if (left.size(0) <= size) return left;
  const Tensor nearest = least(left, result.margin.index_select(0, left), samples, size * 3 / 4);
  const Tensor others =
      at::zeros_like(stands).index_fill_(0, left, true).index_fill_(0, nearest, false);
  const Tensor rest = others.nonzero().squeeze(1);
  const Tensor draw =
      uniform_rows(seed, samples.index.index_select(0, rest), 1, result.margin).squeeze(1);
  return at::cat({nearest, least(rest, draw, samples, size - nearest.size(0))});
}

// Attacks the next block of the samples that are pending and enters what falls into the result.
void run_block(EnsembleState& state, const Network& network, const Samples& samples,
               const Attack& attack, const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  EnsembleResult& result = state.result;
  StageOutcome& outcome = result.stages.back();
  const Tensor rows = state.pending.slice(0, 0, block_size(samples.images));
  const Samples block = samples.rows(rows);
  const AttackResult claim = attack.run(network, block, context);
  PassCount passes = claim.passes;
  const auto [fallen, adversarial] = confirmed(network, block, attack, claim, passes);
  const Tensor places = rows.index_select(0, fallen);
  result.felled_by.index_fill_(0, places, static_cast<int64_t>(result.stages.size()) - 1);
  result.adversarial.index_copy_(0, places, adversarial);
  if (claim.target.defined()) {
    result.target.index_copy_(0, places, claim.target.index_select(0, fallen));
  }
  if (claim.margin.defined()) {
    const Tensor known = result.margin.index_select(0, rows);
    result.margin.index_copy_(0, rows, at::fmin(known, claim.margin.to(known.options())));
  }
  for (EnsembleState::Yield* each : {&state.wave, &state.whole}) each->felled += places.size(0);
  const auto standing = result.felled_by.eq(EnsembleResult::stands).sum().item<int64_t>();
  result.robust = outcome.robust = share(standing, samples.count());
  outcome.passes += passes;
  result.passes += passes;
  outcome.seconds += seconds_since(start);
  state.pending = state.pending.slice(0, rows.size(0));
}

// The seed of a stage's repetition: what is random in a block is its samples' own.
std::uint64_t seed_of(const EnsembleState& state, std::uint64_t seed) {
  return derive_seed(seed, {static_cast<std::uint64_t>(state.result.stages.size() - 1),
                            static_cast<std::uint64_t>(state.repetition)});
}

// Makes the next block's samples pending: what is left of a wave, another wave of the stage,
// another repetition, or the next stage. False if all is done.
bool begin_block(EnsembleState& state, const Samples& samples, const std::vector<Stage>& stages,
                 std::uint64_t seed) {
  if (state.pending.size(0) > 0) return true;
  EnsembleResult& result = state.result;
  const auto begin = [&](int64_t repetition) {
    state.tried.zero_();
    state.repetition = repetition;
    state.whole = {};
  };
  const auto wave = [&](const Stage& stage) {
    state.pending = next_wave(state, stage, samples, derive_seed(seed_of(state, seed), {0}));
    state.tried.index_fill_(0, state.pending, true);
    state.wave = {state.pending.size(0), 0};
    state.whole.attacked += state.wave.attacked;
    result.stages.back().attacked += state.wave.attacked;
    return state.wave.attacked > 0;
  };
  if (!result.stages.empty()) {
    const Stage& stage = stages[result.stages.size() - 1];
    const bool waves = stage.pays > 0;
    const bool again = pays(stage, state.whole) || result.stages.back().attacked < evidence;
    if (waves && pays(stage, state.wave) && wave(stage)) return true;
    if (waves && again && state.repetition + 1 < stage.repetitions) {
      begin(state.repetition + 1);
      if (wave(stage)) return true;
    }
  }
  if (result.stages.size() == stages.size()) return false;
  const Stage& next = stages[result.stages.size()];
  result.stages.push_back({next.attack.name, 0, result.robust, 0, {}});
  begin(0);
  wave(next);
  return true;
}

// The caller's own state is left as it is.
EnsembleState copy_of(EnsembleState state) {
  EnsembleResult& result = state.result;
  for (Tensor* each : {&result.felled_by, &result.target, &result.margin, &state.tried}) {
    *each = each->clone();
  }
  result.adversarial = large_copy(result.adversarial, result.adversarial.scalar_type());
  return state;
}

Samples on_device(const Network& network, const Samples& samples) {
  return samples.with_images(samples.images.to(network.device(), network.dtype()))
      .to(network.device());
}

}  // namespace

EnsembleState begin_ensemble(const Network& network, const Samples& given) {
  const Samples samples = on_device(network, given);
  const Tensor z = logits(network, samples.images);
  const Tensor right = z.argmax(1).eq(samples.labels);
  const Tensor stands = answers_as_wanted(z, samples).logical_not();
  EnsembleState state;
  EnsembleResult& result = state.result;
  result.clean = share(right.sum().item<int64_t>(), samples.count());
  result.robust = share(stands.sum().item<int64_t>(), samples.count());
  result.felled_by = at::full_like(samples.labels, EnsembleResult::wrong)
                         .masked_fill_(stands, EnsembleResult::stands);
  result.target = at::full_like(samples.labels, -1);
  result.adversarial = large_copy(samples.images, samples.images.scalar_type());
  result.margin = margins(z, samples);
  state.pending = at::empty({0}, samples.labels.options());
  state.tried = at::zeros_like(right);
  return state;
}

EnsembleResult run_ensemble(const Network& network, const Samples& given,
                            const std::vector<Stage>& stages, const EnsembleOptions& options) {
  const Samples samples = on_device(network, given);
  EnsembleState state = options.from ? copy_of(*options.from) : begin_ensemble(network, samples);
  EnsembleResult& result = state.result;
  const auto total = static_cast<int64_t>(stages.size()) * samples.count();
  int64_t reported = 0;
  while (begin_block(state, samples, stages, options.context.seed)) {
    const std::size_t stage = result.stages.size() - 1;
    const int64_t before = state.wave.attacked - state.pending.size(0);
    const int64_t block = std::min(state.pending.size(0), block_size(samples.images));
    // A stage counts as all samples, however few it attacks and how often.
    const auto report = [&](double done) {
      const double part =
          state.wave.attacked > 0 ? done / static_cast<double>(state.wave.attacked) : 1;
      const double stages_done = static_cast<double>(stage) + part;
      reported = std::max(reported,
                          static_cast<int64_t>(stages_done * static_cast<double>(samples.count())));
      if (options.context.progress) options.context.progress(reported, total);
    };
    if (block > 0) {
      run_block(state, network, samples, stages[stage].attack,
                {seed_of(state, options.context.seed), [&](int64_t done, int64_t of) {
                   const double part = static_cast<double>(done) / static_cast<double>(of);
                   report(static_cast<double>(before) + static_cast<double>(block) * part);
                 }});
    }
    report(static_cast<double>(before + block));
    if (options.checkpoint) options.checkpoint(state);
  }
  return result;
}

int64_t decided_by_rounding(const Network& network, const Samples& samples,
                            const EnsembleResult& result) {
  const Network precise = network.to(at::kDouble);
  const Samples there = samples.with_images(result.adversarial).to(result.felled_by.device());
  int64_t decided = 0;
  for (const Tensor& places :
       result.felled_by.ge(0).nonzero().squeeze(1).split(block_size(result.adversarial))) {
    const Samples those = there.rows(places);
    const Tensor z = logits(precise, those.images.to(at::kDouble));
    decided += succeeded(z, those).logical_not().sum().item<int64_t>();
  }
  return decided;
}

}  // namespace reluctance
