#include "attack/standing.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "reluctance/base/piece_size.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/base/shares.hpp"
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

// How a batch is cut: so that every thread of processes_alike has its piece, where those are
// then large enough to cost no more a sample. For GPUs, whose time for a piece hardly depends on
// its size, as many as there are processes.
Chunks pieces_of(const Network& network, int64_t count, ProgressCounter* progress = nullptr) {
  Chunks pieces = chunks_of(network, count, progress);
  const int64_t present = divides() ? launch().count : 1;
  if (!pieces.device.is_cpu()) {
    pieces.size = piece_size(count, pieces.size, present);
    return pieces;
  }
  const int64_t processes = std::max(processes_alike, present);
  const int64_t threads = at::get_num_threads();
  const int64_t smallest = std::max(2 * smallest_piece, pieces.size / 8);
  int64_t of_thread = 1;
  while (of_thread < processes && count >= 2 * of_thread * threads * smallest) of_thread *= 2;
  pieces.size = piece_size(count, pieces.size, of_thread * threads);
  return pieces;
}

// The samples in the order in which pieces take them: neighbours, which may be alike in how long
// they stand, go to different ones.
Tensor dealt(const Tensor& rows, const Chunks& pieces) {
  const int64_t hands = (pieces.count + pieces.size - 1) / pieces.size;
  const Tensor hand = at::arange(pieces.count, rows.options()).remainder(hands);
  return select(rows, hand.argsort(/*stable=*/true, 0, false));
}

// Passes of all processes.
PassCount over_processes(const PassCount& own) {
  if (!divides()) return own;
  const Tensor all =
      sum_over_processes({at::tensor({own.forward, own.backward}, at::kLong)}).front();
  return {all[0].item<int64_t>(), all[1].item<int64_t>()};
}

// Takes out what needs no attack: the network gets it wrong, or answers the target. Returns the
// classes to aim at, N x targets.
Tensor take_wrong(CountedPasses& passes, const Samples& samples, const Rounds& rounds,
                  int64_t targets, AttackResult& result) {
  const auto piece = [&](int64_t begin, int64_t end) -> Tensors {
    const Samples part = samples.slice(begin, end);
    const Tensor z = passes.forward(part.images, Keep::nothing).logits;
    const Tensor wrong = answers_as_wanted(z, part);
    const Tensor margin = margins(z, part);
    if (targets == 0) return {wrong, margin, Tensor()};
    if (part.target.defined()) return {wrong, margin, part.target.unsqueeze(1)};
    Tensor aims = most_probable_others(z, part.labels, targets);
    const Tensor right = wrong.logical_not().nonzero().squeeze(1);
    if (rounds.aim && right.size(0) > 0) {
      aims.index_copy_(0, right, rounds.aim(passes, part.rows(right)).slice(1, 0, targets));
    }
    return {wrong, margin, aims};
  };
  const Tensors all = map_shares(pieces_of(passes.network(), samples.count()), piece);
  result.success = all[0];
  result.margin = all[1];
  return all[2];
}

}  // namespace

Standing::Standing(CountedPasses& passes, const std::optional<Ball>& ball, const Samples& batch,
                   const Tensor& targets, const Tensor& margins, const Tensor& rows)
    : passes_(passes),
      ball_(ball),
      samples_(batch.rows(rows)),
      targets_(select(targets, rows)),
      rows_(rows),
      margins_(select(margins, rows)) {}

void Standing::keep_margins(const Tensor& margins) {
  // Where logits overflow there is no margin.
  margins_ = at::where(margins.isfinite(), at::fmin(margins_, margins), margins_);
}

std::optional<Tensor> Standing::remove_fallen(const Tensor& x, const Tensor& claimed) {
  Tensor asked = claimed.nonzero().squeeze(1);
  if (asked.size(0) == 0) return {};
  if (ball_) {
    const Tensor within = inside(*ball_, select(clean(), asked), select(x, asked));
    asked = select(asked, within.nonzero().squeeze(1));
    if (asked.size(0) == 0) return {};
  }
  const Samples there = samples_.with_images(x).rows(asked);
  const Tensor fell = succeeded(passes_.forward(there.images, Keep::nothing).logits, there);
  const Tensor fallen = select(asked, fell.nonzero().squeeze(1));
  if (fallen.size(0) == 0) return {};

  fallen_.rows.push_back(select(rows_, fallen));
  fallen_.margins.push_back(select(margins_, fallen));
  fallen_.x.push_back(select(x, fallen));
  if (targets_.defined()) fallen_.targets.push_back(select(targets_, fallen));
  const Tensor standing = at::ones_like(claimed).index_fill_(0, fallen, false).nonzero().squeeze(1);
  samples_ = samples_.rows(standing);
  for (Tensor* each : {&targets_, &rows_, &margins_}) *each = select(*each, standing);
  return standing;
}

std::optional<Tensor> Standing::ask(const Tensor& x) {
  const Tensor margin = margins(passes_.forward(x, Keep::nothing).logits, samples_);
  keep_margins(margin);
  return remove_fallen(x, margin.le(0));
}

Tensors Standing::outcome() const {
  const auto joined = [](Tensors fallen, const Tensor& standing) {
    fallen.push_back(standing);
    return at::cat(fallen);
  };
  return {joined(fallen_.rows, rows_), joined(fallen_.margins, margins_),
          joined(fallen_.rows, rows_.slice(0, 0, 0)), joined(fallen_.x, clean().slice(0, 0, 0)),
          targets_.defined() ? joined(fallen_.targets, targets_.slice(0, 0, 0)) : Tensor()};
}

void Standing::enter(const Tensors& outcome, AttackResult& result) {
  result.margin.index_copy_(0, outcome[0], outcome[1]);
  const Tensor& fallen = outcome[2];
  result.success.index_fill_(0, fallen, true);
  result.adversarial.index_copy_(0, fallen, outcome[3]);
  if (outcome[4].defined()) result.target.index_copy_(0, fallen, outcome[4]);
}

Nearest::Nearest(const Tensor& clean, const Ball& ball)
    : ball_(ball),
      adversarial_(clean.clone()),
      distance_(at::full({clean.size(0)}, std::numeric_limits<double>::infinity(),
                         clean.options().dtype(at::kDouble))) {}

void Nearest::update(const Standing& standing, const Tensor& x, const Tensor& found) {
  const Tensor sizes = sizes_in(ball_, x.to(at::kDouble) - standing.clean().to(at::kDouble));
  const Tensor those = found.logical_and(sizes.lt(distance(standing))).nonzero().squeeze(1);
  const Tensor places = select(standing.rows(), those);
  adversarial_.index_copy_(0, places, select(x, those));
  distance_.index_copy_(0, places, select(sizes, those));
}

Tensor Nearest::distance(const Standing& standing) const {
  return select(distance_, standing.rows());
}

void Nearest::share() {
  const Tensor own = distance_.isfinite().nonzero().squeeze(1);
  for (const Tensors& theirs :
       gather({own, select(adversarial_, own), select(distance_, own)}, distance_.device())) {
    const Tensor nearer = theirs[2].lt(select(distance_, theirs[0])).nonzero().squeeze(1);
    const Tensor places = select(theirs[0], nearer);
    adversarial_.index_copy_(0, places, select(theirs[1], nearer));
    distance_.index_copy_(0, places, select(theirs[2], nearer));
  }
}

NearestResult Nearest::result(const AttackResult& run) {
  if (divides()) share();
  return {adversarial_, distance_.masked_fill(run.success, 0.0), run.passes};
}

Boundary linearise(Standing& standing, const Tensor& x) {
  Pass pass = standing.passes().forward(x, Keep::gates);
  const Tensor direction = margin_direction(pass.logits, standing.labels(), standing.targets());
  const Tensor value = (direction * pass.logits).sum(1);
  const Tensor gradient = standing.passes().vector_jacobian(pass, direction);
  return {std::move(pass), value, gradient};
}

AttackResult run_rounds(const Network& network, const Samples& samples, const Rounds& rounds,
                        const Context& context) {
  CountedPasses passes(network);
  const Samples all = as_inputs(network, samples);
  const int64_t most = all.target.defined() ? 1 : network.classes() - 1;
  const int64_t targets = std::min(rounds.targets, most);
  const int64_t count = std::max<int64_t>(targets, 1) * rounds.restarts;
  AttackResult result{all.images.clone(), Tensor()};
  if (targets > 0) result.target = at::full({all.count()}, -1, all.labels.options());
  const Tensor aims = take_wrong(passes, all, rounds, targets, result);

  ProgressCounter counter(context.progress, all.count() * count);
  for (int64_t round = 0; round < count; ++round) {
    const Tensor standing = result.success.logical_not().nonzero().squeeze(1);
    const Tensor aim = targets > 0 ? aims.select(1, round / rounds.restarts) : Tensor();
    counter.add(all.count() - standing.size(0));
    if (standing.size(0) == 0) continue;
    const Chunks pieces = pieces_of(network, standing.size(0), &counter);
    const Tensor rows = dealt(standing, pieces);
    Standing::enter(map_shares(pieces,
                               [&](int64_t begin, int64_t end) {
                                 Standing part(passes, rounds.ball, all, aim, result.margin,
                                               rows.slice(0, begin, end));
                                 rounds.run(round, part);
                                 return part.outcome();
                               }),
                    result);
  }
  result.passes = over_processes(passes.count());
  return result;
}

}  // namespace reluctance
