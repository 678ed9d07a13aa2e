// What all attacks share: rounds (a target, a restart) on the samples that still stand, batches
// that shrink as samples fall, and the check of every claim.
#pragma once

#include <functional>
#include <optional>

#include "reluctance/attack/attack.hpp"

namespace reluctance {

// The samples of one chunk that still stand, on the calling thread.
class Standing {
 public:
  // `rows` (n, int64) of a batch, of which `margins` are known; `targets` may be undefined.
  Standing(CountedPasses& passes, const std::optional<Ball>& ball, const Samples& batch,
           const Tensor& targets, const Tensor& margins, const Tensor& rows);

  const Samples& samples() const { return samples_; }      // n
  const Tensor& clean() const { return samples_.images; }  // n x input shape
  const Tensor& labels() const { return samples_.labels; }
  const Tensor& targets() const { return targets_; }  // n, or undefined
  const Tensor& rows() const { return rows_; }        // n: their places in the whole batch
  const std::optional<Ball>& ball() const { return ball_; }
  bool empty() const { return rows_.size(0) == 0; }
  Standing(const Standing&) = delete;
  Standing& operator=(const Standing&) = delete;

  CountedPasses& passes() { return passes_; }

  // Keeps the least margin of each sample: `margins` (n) at points inside ball and box.
  void keep_margins(const Tensor& margins);

  // Takes samples out that fall to x (n x input shape): those that are `claimed` (n booleans) and
  // that a forward pass on points inside ball and box confirms. If any fell, returns the indices,
  // among the n, of those that stand.
  std::optional<Tensor> remove_fallen(const Tensor& x, const Tensor& claimed);

  // Asks the network for its answers at x, and does both of the above.
  std::optional<Tensor> ask(const Tensor& x);

  // What became of the chunk: the places in the batch of all its samples, their least margins, and
  // of the k that fell the places, the points (k x input shape) and the targets.
  Tensors outcome() const;
  static void enter(const Tensors& outcome, AttackResult& result);

 private:
  CountedPasses& passes_;
  const std::optional<Ball>& ball_;
  Samples samples_;
  Tensor targets_, rows_;
  Tensor margins_;  // n
  struct Fallen {
    Tensors rows, margins, x, targets;
  } fallen_;
};

// The nearest adversarial points so far, of a whole batch. Threads write to different rows, and of
// several processes each knows those of its own until the end.
class Nearest {
 public:
  // Of the ball only norm and domain count.
  Nearest(const Tensor& clean, const Ball& ball);

  // Enters those of the points x (n x input shape) that are `found` (n booleans) and nearer than
  // what is known.
  void update(const Standing& standing, const Tensor& x, const Tensor& found);
  // n, float64: what is known; infinity for nothing.
  Tensor distance(const Standing& standing) const;
  // After all rounds of `run`, which let nothing fall but what was wrong as it is: so each of them
  // deals the same samples to a process.
  NearestResult result(const AttackResult& run);

 private:
  void share();

  Ball ball_;
  Tensor adversarial_, distance_;
};

// The logits of the targets less those of the labels (n), and their gradients (n x input shape).
struct Boundary {
  Pass pass;
  Tensor value, gradient;
};
Boundary linearise(Standing& standing, const Tensor& x);

// An attack as rounds; each starts from what the rounds before it left standing. The samples are
// dealt to the processes (base/shares.hpp) in pieces that, on a CPU, do not depend on their number
// up to four: then every sample is attacked among the same others, and its result has the same
// bits.
struct Rounds {
  std::optional<Ball> ball;
  int64_t restarts = 1;
  int64_t targets = 0;  // other classes to aim at, of samples with a target that; 0: untargeted
  // The classes of each sample in the order in which they are tried, N x at least `targets`; the
  // most probable ones first if it is empty.
  std::function<Tensor(CountedPasses& passes, const Samples& samples)> aim;
  // One round on one chunk. `round` counts from 0.
  std::function<void(int64_t round, Standing& standing)> run;
};

// Runs all rounds: `restarts` for each target. Every process knows the whole result. Samples that
// the network gets wrong as they are, or whose target it answers, fall to themselves.
AttackResult run_rounds(const Network& network, const Samples& samples, const Rounds& rounds,
                        const Context& context);

}  // namespace reluctance
