#include "reluctance/measure/ensemble.hpp"

#include <ATen/ATen.h>

#include <chrono>

#include "reluctance/base/random.hpp"
#include "reluctance/measure/accuracy.hpp"
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
  const Tensor answers = logits(network, adversarial.index_select(0, asked)).argmax(1);
  return asked.index_select(0, answers.ne(labels.index_select(0, asked)).nonzero().squeeze(1));
}

// Runs one stage on what stands and enters what falls into the result.
void run_stage(const Network& network, const Tensor& images, const Tensor& labels, const Ball& ball,
               const Stage& stage, std::uint64_t seed, const Progress& progress,
               EnsembleResult& result) {
  const auto start = std::chrono::steady_clock::now();
  const auto index = static_cast<int64_t>(result.stages.size());
  const Tensor standing = result.felled_by.eq(EnsembleResult::stands).nonzero().squeeze(1);
  PassCount passes;
  int64_t felled = 0;
  if (standing.size(0) > 0) {
    const Tensor x = images.index_select(0, standing);
    const Tensor y = labels.index_select(0, standing);
    const AttackResult claim = stage.attack(network, x, y, seed, progress);
    passes = claim.passes;
    const Tensor fallen = confirmed(network, ball, x, y, claim, passes);
    const Tensor rows = standing.index_select(0, fallen);
    felled = rows.size(0);
    result.felled_by.index_fill_(0, rows, index);
    result.adversarial.index_copy_(0, rows, claim.adversarial.view_as(x).index_select(0, fallen));
    if (claim.target.defined()) {
      result.target.index_copy_(0, rows, claim.target.index_select(0, fallen));
    }
  }
  result.stages.push_back({stage.name, standing.size(0),
                           share(standing.size(0) - felled, images.size(0)), seconds_since(start),
                           passes});
  result.robust = result.stages.back().robust;
  result.passes += passes;
}

}  // namespace

EnsembleResult run_ensemble(const Network& network, const Tensor& images, const Tensor& labels,
                            const Ball& ball, const std::vector<Stage>& stages, std::uint64_t seed,
                            const Progress& progress) {
  const int64_t samples = images.size(0);
  const Tensor x = images.to(network.device(), network.dtype());
  const Tensor y = labels.to(network.device());
  const Tensor right = correct(network, x, y);

  EnsembleResult result;
  result.clean = result.robust = share(right.sum().item<int64_t>(), samples);
  result.felled_by =
      at::full_like(y, EnsembleResult::wrong).masked_fill_(right, EnsembleResult::stands);
  result.target = at::full_like(y, -1);
  result.adversarial = x.clone();
  const auto total = static_cast<int64_t>(stages.size()) * samples;
  for (const Stage& stage : stages) {
    const auto before = static_cast<int64_t>(result.stages.size());
    const Progress part = [&](int64_t done, int64_t of) {
      if (progress) progress(before * samples + samples * done / of, total);
    };
    run_stage(network, x, y, ball, stage, derive_seed(seed, {static_cast<std::uint64_t>(before)}),
              part, result);
    if (progress) progress((before + 1) * samples, total);
  }
  return result;
}

}  // namespace reluctance
