#include "reluctance/theory/segments.hpp"

#include "class_space.hpp"
#include "region_climber.hpp"
#include "reluctance/geometry/norm.hpp"

namespace reluctance {
namespace {

// Coefficients after steps[i] steps of size alpha[i] from c = 0.
Tensor advance(const LinearRegion& region, const Tensor& alpha, const Tensor& steps) {
  return climb_all(region, [&](RegionClimber& climber, Vector& c, int64_t i) {
    const double size = alpha.data_ptr<double>()[i];
    for (int64_t t = 0; t < steps.data_ptr<int64_t>()[i]; ++t) c += size * climber.gradient(c);
  });
}

// s(z + K c).
Tensor logit_gradients(const LinearRegion& region, const Tensor& c) {
  const Tensor z = region.logits + at::bmm(region.gram, c.unsqueeze(2)).squeeze(2);
  return region.loss.gradient(z, region.labels);
}

Tensor lengths(const Tensor& x) { return x.flatten(1).norm(2, 1); }

Tensor places(const Tensor& booleans) { return booleans.nonzero().squeeze(1); }

// All samples on their way. Rows are places among them (M, int64).
class Paths {
 public:
  Paths(const Network& network, const Samples& samples, const Tensor& beta, int64_t steps,
        const SegmentOptions& options)
      : network_(network),
        samples_(samples),
        options_(options),
        alpha_(beta.to(at::kCPU, at::kDouble) / static_cast<double>(steps)),
        left_(at::full({samples.count()}, steps, at::kLong)),
        next_(left_.clone()),
        failed_(at::zeros({samples.count()}, at::kBool)) {
    result_.delta = at::zeros(samples.images.sizes(), at::TensorOptions().dtype(at::kDouble));
    result_.segments = at::zeros({samples.count()}, at::kDouble);
    result_.forward = at::zeros_like(result_.segments);
    result_.backward = at::zeros_like(result_.segments);
  }

  SegmentedAttack run() {
    for (;;) {
      check_interrupt();
      const Tensor going = left_.gt(0);
      if (!going.any().item<bool>()) return result_;
      const Tensor one = next_.eq(1);
      const Tensor several = places(going.logical_and(one.logical_not()));
      step(places(going.logical_and(one)));
      stride(several);
    }
  }

 private:
  Samples at_points(const Tensor& rows, const Tensor& delta) const {
    const Samples part = samples_.rows(rows.to(samples_.images.device()));
    return part.with_images(part.images + delta.to(part.images.options()));
  }

  Tensor gradient_at(const Samples& points) const {
    const Pass pass = forward(network_, points.images, Keep::gates);
    const Tensor s = options_.loss.gradient(pass.logits, points.labels);
    return vector_jacobian(network_, pass, s).to(at::kCPU, at::kDouble);
  }

  // Segments of one step.
  void step(const Tensor& rows) {
    if (rows.numel() == 0) return;
    const Tensor delta = result_.delta.index_select(0, rows);
    const Tensor gradient = gradient_at(at_points(rows, delta));
    count(rows, 1, 1);
    keep(rows, delta + per_sample(alpha_.index_select(0, rows), gradient) * gradient);
  }

  // Tries segments of several steps. A segment of m steps asks for the gradient at its first m
  // points, so its chord ends at the last of these, one step short.
  void stride(const Tensor& rows) {
    if (rows.numel() == 0) return;
    const Tensor delta = result_.delta.index_select(0, rows);
    const Tensor alpha = alpha_.index_select(0, rows);
    const Tensor before_last = next_.index_select(0, rows) - 1;
    const Samples start = at_points(rows, delta);
    const LinearRegion tangent = linear_region(network_, start, options_.loss);
    const Tensor ahead = perturbation(network_, tangent, advance(tangent, alpha, before_last));
    const LinearRegion region = linear_region(
        network_, chord(network_, start.images, start.images + ahead.to(start.images.options())),
        start.labels, options_.loss);
    const Tensor c = advance(region, alpha, before_last);
    const Tensor last = delta + perturbation(network_, region, c);
    const Tensor predicted = perturbation(network_, region, logit_gradients(region, c));
    const Tensor real = gradient_at(at_points(rows, last));
    // The tangent's pass and its rows, the chord's two and its rows, three products, a gradient.
    count(rows, 4, 2 * region.rank() + 4);

    const Tensor good = lengths(predicted - real).le(options_.tolerance * lengths(real));
    const Tensor kept = places(good);
    const Tensor moved = last + per_sample(alpha, predicted) * predicted;
    keep(rows.index_select(0, kept), moved.index_select(0, kept));
    const Tensor lost = rows.index_select(0, places(good.logical_not()));
    next_.index_copy_(0, lost, next_.index_select(0, lost).div(2, "floor"));
    failed_.index_fill_(0, lost, 1);
  }

  // The next segment is twice as long, unless a longer one has just failed.
  void keep(const Tensor& rows, const Tensor& delta) {
    result_.delta.index_copy_(0, rows, delta);
    result_.segments.index_add_(0, rows, at::ones({rows.size(0)}, at::kDouble));
    const Tensor done = next_.index_select(0, rows);
    const Tensor left = left_.index_select(0, rows) - done;
    const Tensor longer = at::where(failed_.index_select(0, rows), done, 2 * done);
    left_.index_copy_(0, rows, left);
    next_.index_copy_(0, rows, at::minimum(longer, left));
    failed_.index_fill_(0, rows, 0);
  }

  void count(const Tensor& rows, int64_t forward, int64_t backward) {
    const Tensor ones = at::ones({rows.size(0)}, at::kDouble);
    result_.forward.index_add_(0, rows, ones, forward);
    result_.backward.index_add_(0, rows, ones, backward);
  }

  const Network& network_;
  const Samples& samples_;
  const SegmentOptions& options_;
  Tensor alpha_;   // N
  Tensor left_;    // N: steps to go
  Tensor next_;    // N: steps of the segment to try next
  Tensor failed_;  // N: a longer one has failed from here
  SegmentedAttack result_;
};

}  // namespace

SegmentedAttack segmented_attack(const Network& network, const Samples& samples, const Tensor& beta,
                                 int64_t steps, const SegmentOptions& options) {
  return Paths(network, samples, beta, steps, options).run();
}

}  // namespace reluctance
