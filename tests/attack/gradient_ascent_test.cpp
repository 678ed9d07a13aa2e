// Gradient ascent: its steps against a naive loop over autograd, its starts and its counts.
#include "reluctance/attack/gradient_ascent.hpp"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "attack/subjects.hpp"
#include "base/threads.hpp"
#include "network/random_networks.hpp"
#include "reluctance/loss/dlr.hpp"

namespace reluctance {
namespace {

constexpr int64_t count = 40;

AnsweredSubject numbered(int index) {
  return answered(networks_in_double().at(static_cast<std::size_t>(index)).name, count);
}

Tensor autograd_gradient(const Network& network, const Tensor& x, const Tensor& labels) {
  const Tensor leaf = x.clone().requires_grad_();
  const Tensor loss = at::cross_entropy_loss(forward(network, leaf, Keep::nothing).logits, labels,
                                             {}, at::Reduction::Sum);
  return torch::autograd::grad({loss}, {leaf})[0];
}

Tensor l2(const Tensor& x) {
  Shape shape(static_cast<std::size_t>(x.dim()), 1);
  shape[0] = -1;
  return x.flatten(1).norm(2, 1).view(shape);
}

double radius_in(Norm norm) { return norm == Norm::linf ? 0.1 : norm == Norm::l2 ? 0.7 : 3.0; }

GradientAscent without_random_start(Norm norm, double radius, int64_t steps) {
  PgdOptions options;
  options.ball = {norm, radius};
  options.steps = steps;
  options.random_start = false;
  return pgd_attack(options);
}

class Ascents : public testing::TestWithParam<int> {};

TEST_P(Ascents, InputGradientEqualsAutograd) {
  const auto [network, samples] = numbered(GetParam());
  CountedPasses passes(network);
  EXPECT_TRUE(at::allclose(input_gradient(passes, samples, cross_entropy_loss()),
                           autograd_gradient(network, samples.images, samples.labels), 1e-9,
                           1e-13));
  EXPECT_EQ(passes.count().forward, count);
  EXPECT_EQ(passes.count().backward, count);
}

TEST_P(Ascents, RawEqualsNaiveAscent) {
  const auto [network, samples] = numbered(GetParam());
  Tensor expected = samples.images.clone();
  for (int t = 0; t < 5; ++t)
    expected = expected + 0.1 * autograd_gradient(network, expected, samples.labels);
  EXPECT_TRUE(at::allclose(attacked_images(network, samples, raw_attack(0.5, 5)), expected));
}

TEST_P(Ascents, PgdEqualsNaiveLoop) {
  const auto [network, samples] = numbered(GetParam());
  const Tensor& x = samples.images;
  for (Norm norm : {Norm::linf, Norm::l2}) {
    const double radius = radius_in(norm);
    const GradientAscent ascent = without_random_start(norm, radius, 4);
    Tensor z = x.clone();
    for (int t = 0; t < 4; ++t) {
      const Tensor g = autograd_gradient(network, z, samples.labels);
      const Tensor direction = norm == Norm::linf ? g.sign() : g / l2(g).clamp_min(1e-30);
      Tensor delta = z + 2.5 * radius / 4 * direction - x;
      delta = norm == Norm::linf ? delta.clamp(-radius, radius)
                                 : delta * (radius / l2(delta)).clamp_max(1);
      z = (x + delta).clamp(0, 1);
    }
    EXPECT_TRUE(at::allclose(attacked_images(network, samples, ascent), z, 1e-9, 1e-9));
  }
}

// The nearest point of the L1 ball and the box, each sample by bisection: pixels move by
// min(max(|u| - lambda, 0), room) for the least lambda that keeps them in the ball.
Tensor nearest_in_l1(const Tensor& x, const Tensor& clean, double radius) {
  const Tensor u = (x - clean).flatten(1);
  const Tensor c = clean.flatten(1);
  const Tensor room = at::where(u.gt(0), 1 - c, c);
  const auto moved = [&](const Tensor& lambda) {
    return at::minimum((u.abs() - lambda).clamp_min(0), room);
  };
  Tensor low = at::zeros({u.size(0), 1}, u.options());
  Tensor high = u.abs().amax(1, true);
  const Tensor fits = moved(low).sum(1, true).le(radius);
  for (int t = 0; t < 100; ++t) {
    const Tensor middle = (low + high) / 2;
    const Tensor over = moved(middle).sum(1, true).gt(radius);
    low = at::where(over, middle, low);
    high = at::where(over, high, middle);
  }
  const Tensor lambda = at::where(fits, at::zeros_like(high), high);
  return clean + (moved(lambda) * u.sign()).view_as(x);
}

TEST_P(Ascents, PgdInL1EqualsNaiveLoop) {
  const auto [network, samples] = numbered(GetParam());
  const Tensor& x = samples.images;
  const double radius = radius_in(Norm::l1);
  const int64_t pixels = network.inputs();
  const auto largest = std::max<int64_t>(1, std::llround(0.01 * static_cast<double>(pixels)));
  Tensor z = x.clone();
  for (int t = 0; t < 4; ++t) {
    const Tensor g = autograd_gradient(network, z, samples.labels).flatten(1);
    Tensor direction = at::zeros_like(g);
    for (int64_t i = 0; i < count; ++i) {
      const Tensor order = g[i].abs().argsort(0, /*descending=*/true);
      const Tensor chosen = order.slice(0, 0, largest);
      const Tensor signs = g[i].index_select(0, chosen).sign();
      direction[i].index_copy_(0, chosen, signs / signs.abs().sum().clamp_min(1));
    }
    z = nearest_in_l1(z + 2.5 * radius / 4 * direction.view_as(z), x, radius);
  }
  const Tensor actual =
      attacked_images(network, samples, without_random_start(Norm::l1, radius, 4));
  EXPECT_TRUE(at::allclose(actual, z, 1e-9, 1e-9));
  // And it does something, sparsely.
  const Tensor changed = (actual - x).flatten(1).ne(0);
  EXPECT_TRUE(changed.any().item<bool>());
  EXPECT_LE(changed.sum(1).max().item<int64_t>(), 4 * largest);
}

TEST_P(Ascents, StayInTheBallAndTheBoxAndTellTheTruth) {
  const auto [network, samples] = numbered(GetParam());
  for (Norm norm : all_norms()) {
    PgdOptions options;
    options.ball = {norm, 2 * radius_in(norm)};
    options.steps = 7;
    options.restarts = 3;
    const GradientAscent ascent = pgd_attack(options);
    const AttackResult result = as_attack(ascent).run(network, samples, {5, {}});
    expect_honest(network, samples, options.ball, result);
    for (const Tensor& x :
         {result.adversarial, attacked_images(network, samples, ascent, {5, {}})}) {
      const Tensor size = sample_norms(x - samples.images, norm).max();
      EXPECT_LE(size.item<double>(), options.ball.radius * (1 + 1e-9));
      EXPECT_GE(x.min().item<double>(), 0.0);
      EXPECT_LE(x.max().item<double>(), 1.0);
    }
  }
}

TEST_P(Ascents, TheAttackIsTheRunWhereItSucceeds) {
  const auto [network, samples] = numbered(GetParam());
  std::vector<GradientAscent> ascents{raw_attack(3, 5), fgsm_attack(0.1, true)};
  for (Norm norm : all_norms()) {
    PgdOptions options;
    options.ball = {norm, radius_in(norm)};
    options.steps = 6;
    ascents.push_back(pgd_attack(options));
  }
  for (const GradientAscent& ascent : ascents) {
    const AttackResult result = as_attack(ascent).run(network, samples, {7, {}});
    const Tensor last = attacked_images(network, samples, ascent, {7, {}});
    const Tensor wide = per_sample(result.success, last);
    EXPECT_TRUE(at::equal(result.success, logits(network, last).argmax(1).ne(samples.labels)));
    // Everything was answered right, so that nothing fell to itself.
    EXPECT_TRUE(
        at::allclose(result.adversarial, at::where(wide, last, samples.images), 1e-12, 1e-12))
        << describe(ascent);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Ascents, testing::Range(0, network_count), [](const auto& each) {
  return networks_in_double().at(static_cast<std::size_t>(each.param)).name;
});

TEST(GradientAscent, FgsmIsOneSignStep) {
  const auto [network, samples] = numbered(2);
  const Tensor step = 0.07 * autograd_gradient(network, samples.images, samples.labels).sign();
  EXPECT_TRUE(at::allclose(attacked_images(network, samples, fgsm_attack(0.07, false)),
                           (samples.images + step).clamp(0, 1)));
}

TEST(GradientAscent, ClimbsTheLossItIsGiven) {
  const auto [network, samples] = numbered(2);
  for (const Loss& loss : {squared_error_loss(), margin_loss(), dlr_loss()}) {
    GradientAscent ascent = raw_attack(0.001, 1);
    ascent.loss = loss;
    const Tensor leaf = samples.images.clone().requires_grad_();
    const Tensor z = forward(network, leaf, Keep::nothing).logits;
    const Tensor own = loss.gradient(z.detach(), samples.labels);
    const Tensor gradient = torch::autograd::grad({(own * z).sum()}, {leaf})[0];
    const Tensor moved = attacked_images(network, samples, ascent) - samples.images;
    EXPECT_TRUE(at::allclose(moved, 0.001 * gradient, 1e-9, 1e-13)) << loss.name;
    EXPECT_GT(moved.abs().max().item<double>(), 0.0) << loss.name;
  }
}

TEST(GradientAscent, SeedsRepeatAndDiffer) {
  const auto [network, samples] = numbered(2);
  const auto attacked = [&, &network = network, &samples = samples](std::uint64_t seed) {
    return attacked_images(network, samples, pgd_attack({}), {seed, {}});
  };
  const Tensor first = attacked(1);
  EXPECT_TRUE(at::equal(first, attacked(1)));
  EXPECT_FALSE(at::equal(first, attacked(2)));
}

TEST(GradientAscent, RestartsNeverLoseASuccess) {
  const auto [network, samples] = numbered(2);
  PgdOptions options;
  options.ball = {Norm::linf, 0.05};
  options.steps = 3;
  const Tensor once = as_attack(pgd_attack(options)).run(network, samples, {}).success;
  options.restarts = 6;
  const Tensor often = as_attack(pgd_attack(options)).run(network, samples, {}).success;
  EXPECT_FALSE(once.logical_and(often.logical_not()).any().item<bool>());
}

TEST(GradientAscent, RandomStartsFillTheBall) {
  const Samples samples(at::full({2000, 3}, 0.5, at::kDouble), at::zeros({2000}, at::kLong));
  GradientAscent ascent = pgd_attack({});
  ascent.ball = Ball{Norm::l2, 0.3};
  const Tensor delta = starting_points(samples, ascent, 4) - samples.images;
  const Tensor radii = l2(delta).flatten() / 0.3;
  EXPECT_LE(radii.max().item<double>(), 1.0);
  // Uniform in a ball of 3 dimensions: P(radius < r) = r^3.
  for (double r : {0.5, 0.8}) {
    EXPECT_NEAR(radii.lt(r).to(at::kDouble).mean().item<double>(), r * r * r, 0.03);
  }
  EXPECT_LT(delta.mean(0).abs().max().item<double>(), 0.01);
}

TEST(GradientAscent, StartsAreTheImagesOrRandomOnesInTheBox) {
  const auto [network, samples] = numbered(2);
  GradientAscent ascent = pgd_attack({.ball = {Norm::linf, 0.3}});
  EXPECT_TRUE(
      inside(*ascent.ball, samples.images, starting_points(samples, ascent, 1)).all().item<bool>());
  ascent.pixel_box = false;
  const Tensor free = starting_points(samples, ascent, 1);
  EXPECT_LT(free.min().item<double>(), 0.0);
  EXPECT_GT(free.max().item<double>(), 1.0);
  ascent.random_start = false;
  EXPECT_TRUE(at::equal(starting_points(samples, ascent, 1), samples.images));
}

TEST(GradientAscent, ThePathGoesFromTheStartsToTheLastIterates) {
  const auto [network, samples] = numbered(2);
  const GradientAscent ascent = pgd_attack({.ball = {Norm::l2, 0.5}, .steps = 4});
  const std::vector<Tensor> path = attack_path(network, samples, ascent, {3, {}});
  ASSERT_EQ(path.size(), 5U);
  EXPECT_TRUE(at::equal(path.back(), attacked_images(network, samples, ascent, {3, {}})));
  // As far as it goes, the path of fewer steps of the same size.
  GradientAscent shorter = ascent;
  for (std::size_t k = 0; k < path.size(); ++k) {
    shorter.steps = static_cast<int64_t>(k);
    EXPECT_TRUE(at::equal(path[k], attacked_images(network, samples, shorter, {3, {}}))) << k;
  }
}

TEST(GradientAscent, WatchersSeeEveryStep) {
  const auto [network, samples] = numbered(2);
  const GradientAscent ascent = without_random_start(Norm::l2, 0.5, 3);
  CountedPasses passes(network);
  int64_t seen = 0;
  Tensor expected = samples.images;
  const auto watch = [&, &network = network, &samples = samples](const AscentStep& step) {
    ++seen;
    EXPECT_TRUE(at::equal(step.x, expected));
    const Tensor gradient = autograd_gradient(network, step.x, samples.labels);
    EXPECT_TRUE(at::allclose(step.gradient, gradient, 1e-9, 1e-13));
    EXPECT_TRUE(at::allclose(step.direction, gradient / l2(gradient), 1e-9, 1e-13));
    expected = step.x.add(step.direction, ascent.step_size);
    Projection(*ascent.ball, true, samples.images)(expected);
  };
  const Tensor last = climb(passes, samples, samples.images, ascent, watch);
  EXPECT_EQ(seen, 3);
  EXPECT_TRUE(at::equal(last, expected));
}

TEST(GradientAscent, DescribesItself) {
  EXPECT_EQ(describe(pgd_attack({})),
            "pgd, linf, epsilon 0.1, 20 steps, step size 0.0125, random start");
  EXPECT_EQ(describe(raw_attack(1.0 / 3, 5), 3), "raw, beta 0.333, 5 steps");
  EXPECT_EQ(describe(fgsm_attack(0.5, false)), "fgsm, linf, epsilon 0.5");
  GradientAscent ascent = pgd_attack({.ball = {Norm::l1, 8}, .restarts = 3});
  ascent.loss = margin_loss();
  ascent.pixel_box = false;
  EXPECT_EQ(describe(ascent),
            "pgd, l1, epsilon 8, 20 steps, step size 1, loss margin, random start, 3 restarts, "
            "no box");
}

TEST(GradientAscent, CountsItsPasses) {
  const auto [network, samples] = numbered(2);
  const AttackResult result = as_attack(raw_attack(1, 5)).run(network, samples, {});
  const auto fell = result.success.sum().item<int64_t>();
  EXPECT_GT(fell, 0);
  // The answer to each image, five steps, the answer to the last iterate, and to those that fall
  // once more.
  EXPECT_EQ(result.passes.forward, count * 7 + fell);
  EXPECT_EQ(result.passes.backward, count * 5);
}

TEST(GradientAscent, AnInterruptStopsIt) {
  const auto [network, samples] = numbered(2);
  const InterruptRequest request;
  EXPECT_THROW(as_attack(raw_attack(1, 5)).run(network, samples, {}), Interrupted);
  EXPECT_THROW(attacked_images(network, samples, raw_attack(1, 5)), Interrupted);
}

TEST(GradientAscent, ProgressCountsEverySample) {
  const auto [network, samples] = numbered(2);
  int64_t last = 0;
  int64_t rounds = 1;
  const Context context{0, [&](int64_t done, int64_t total) {
                          EXPECT_EQ(total, rounds * count);
                          last = std::max(last, done);
                        }};
  attacked_images(network, samples, raw_attack(1, 5), context);
  EXPECT_EQ(last, count);
  last = 0;
  rounds = 3;
  GradientAscent thrice = raw_attack(0.1, 2);
  thrice.restarts = 3;
  as_attack(thrice).run(network, samples, context);
  EXPECT_EQ(last, 3 * count);
}

}  // namespace
}  // namespace reluctance
