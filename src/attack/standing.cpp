#include "attack/standing.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "reluctance/base/chunks.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

Tensor select(const Tensor& all, const Tensor& rows) {
  return all.defined() ? all.index_select(0, rows) : all;
}

// The `count` most probable classes but the label, the most probable first: N x count.
Tensor most_probable_others(const Tensor& logits, const Tensor& labels, int64_t count) {
  return std::get<1>(other_logits(logits, labels).topk(count, 1));
}

// Takes out what the network gets wrong without any attack. Returns the classes to aim at,
// N x targets.
Tensor take_wrong(CountedPasses& passes, const Tensor& images, const Tensor& labels,
                  const Rounds& rounds, int64_t targets, AttackResult& result) {
  Tensor aims = at::empty({images.size(0), targets}, labels.options());
  const auto chunk = [&](int64_t begin, int64_t end) {
    const Tensor y = labels.slice(0, begin, end);
    const Tensor z = passes.forward(images.slice(0, begin, end), Keep::nothing).logits;
    const Tensor wrong = z.argmax(1).ne(y);
    result.success.slice(0, begin, end).copy_(wrong);
    result.margin.slice(0, begin, end).copy_(margins(z, y));
    if (targets == 0) return;
    Tensor part = most_probable_others(z, y, targets);
    const Tensor right = wrong.logical_not().nonzero().squeeze(1);
    if (rounds.aim && right.size(0) > 0) {
      const Tensor order = rounds.aim(passes, images.slice(0, begin, end).index_select(0, right),
                                      y.index_select(0, right));
      part.index_copy_(0, right, order.slice(1, 0, targets));
    }
    aims.slice(0, begin, end).copy_(part);
  };
  for_each_chunk(images.device(), images.size(0), samples_per_chunk(passes.network()), chunk);
  return aims;
}

}  // namespace

Standing::Standing(CountedPasses& passes, const Ball& ball, AttackResult& result,
                   const Tensor& clean, const Tensor& labels, const Tensor& targets,
                   const Tensor& rows)
    : passes_(passes),
      ball_(ball),
      result_(result),
      clean_(select(clean, rows)),
      labels_(select(labels, rows)),
      targets_(select(targets, rows)),
      rows_(rows),
      margins_(select(result.margin, rows)) {}

Standing::~Standing() { result_.margin.index_copy_(0, rows_, margins_); }

void Standing::keep_margins(const Tensor& margins) { margins_ = at::fmin(margins_, margins); }

std::optional<Tensor> Standing::remove_fallen(const Tensor& x, const Tensor& claimed) {
  Tensor asked = claimed.nonzero().squeeze(1);
  if (asked.size(0) == 0) return {};
  const Tensor within = inside(ball_, select(clean_, asked), select(x, asked));
  asked = select(asked, within.nonzero().squeeze(1));
  if (asked.size(0) == 0) return {};
  const Tensor z = passes_.forward(select(x, asked), Keep::nothing).logits;
  const Tensor fell = answered_wrong(z, select(labels_, asked));
  const Tensor fallen = select(asked, fell.nonzero().squeeze(1));
  if (fallen.size(0) == 0) return {};

  const Tensor rows = select(rows_, fallen);
  result_.adversarial.index_copy_(0, rows, select(x, fallen));
  result_.success.index_fill_(0, rows, true);
  if (targets_.defined()) result_.target.index_copy_(0, rows, select(targets_, fallen));

  result_.margin.index_copy_(0, rows, select(margins_, fallen));
  const Tensor standing = at::ones_like(claimed).index_fill_(0, fallen, false).nonzero().squeeze(1);
  for (Tensor* each : {&clean_, &labels_, &targets_, &rows_, &margins_})
    *each = select(*each, standing);
  return standing;
}

Nearest::Nearest(const Tensor& clean, Norm norm)
    : norm_(norm),
      adversarial_(clean.clone()),
      distance_(at::full({clean.size(0)}, std::numeric_limits<double>::infinity(),
                         clean.options().dtype(at::kDouble))) {}

void Nearest::update(const Standing& standing, const Tensor& x, const Tensor& found) {
  const Tensor sizes = sample_norms(x.to(at::kDouble) - standing.clean().to(at::kDouble), norm_);
  const Tensor those = found.logical_and(sizes.lt(distance(standing))).nonzero().squeeze(1);
  const Tensor places = select(standing.rows(), those);
  adversarial_.index_copy_(0, places, select(x, those));
  distance_.index_copy_(0, places, select(sizes, those));
}

Tensor Nearest::distance(const Standing& standing) const {
  return select(distance_, standing.rows());
}

NearestResult Nearest::result(const AttackResult& run) const {
  return {adversarial_, distance_.masked_fill(run.success, 0.0), run.passes};
}

Boundary linearise(Standing& standing, const Tensor& x) {
  Pass pass = standing.passes().forward(x, Keep::gates);
  const Tensor direction = margin_direction(pass.logits, standing.labels(), standing.targets());
  const Tensor value = (direction * pass.logits).sum(1);
  const Tensor gradient = standing.passes().vector_jacobian(pass, direction);
  return {std::move(pass), value, gradient};
}

AttackResult run_rounds(CountedPasses& passes, const Tensor& images, const Tensor& labels,
                        const Rounds& rounds, const Progress& progress) {
  const int64_t samples = images.size(0);
  const int64_t targets = std::min(rounds.targets, passes.network().classes() - 1);
  const int64_t count = std::max<int64_t>(targets, 1) * rounds.restarts;
  AttackResult result{images.clone(), at::empty({samples}, labels.options().dtype(at::kBool))};
  result.margin = at::empty({samples}, images.options());
  if (targets > 0) result.target = at::full({samples}, -1, labels.options());
  const Tensor aims = take_wrong(passes, images, labels, rounds, targets, result);

  ProgressCounter counter(progress, samples * count);
  for (int64_t round = 0; round < count; ++round) {
    const Tensor standing = result.success.logical_not().nonzero().squeeze(1);
    const Tensor aim = targets > 0 ? aims.select(1, round / rounds.restarts) : Tensor();
    counter.add(samples - standing.size(0));
    const auto chunk = [&](int64_t begin, int64_t end) {
      Standing part(passes, rounds.ball, result, images, labels, aim,
                    standing.slice(0, begin, end));
      rounds.run(round, part);
      counter.add(end - begin);
    };
    for_each_chunk(images.device(), standing.size(0), samples_per_chunk(passes.network()), chunk);
  }
  result.passes = passes.count();
  return result;
}

}  // namespace reluctance
