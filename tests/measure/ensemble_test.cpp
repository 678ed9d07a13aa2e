// Ensembles: attacks one after the other, and that no claim counts unchecked.
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <set>

#include "attack/subjects.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/loss/margin.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/measure/ensemble.hpp"
#include "reluctance/measure/ensemble_checkpoint.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

AutoattackOptions quick() {
  AutoattackOptions options;
  options.iterations = 40;
  options.square_queries = 50;
  return options;
}

// Labels of which the first five are wrong.
Tensor partly_wrong(const LinearSubject& linear) {
  Tensor labels = linear.labels.clone();
  labels.slice(0, 0, 5).add_(1).remainder_(linear.network.classes());
  return labels;
}

class Ensemble : public testing::TestWithParam<Norm> {};

// `stages` of `ball` find exactly the robust samples of a linear network, and tell the truth.
void expect_exact(Norm norm, const std::function<std::vector<Stage>(const LinearSubject& linear,
                                                                    const Ball& ball)>& stages) {
  const LinearSubject linear = linear_subject();
  const Tensor labels = partly_wrong(linear);
  const Ball ball = half_of_them(linear, norm);
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, labels, ball, stages(linear, ball));

  const Tensor distance = boundary_distance(linear, norm);
  const Tensor wrong = labels.ne(linear.labels);
  const Tensor stands = result.felled_by.eq(EnsembleResult::stands);
  EXPECT_TRUE(at::equal(result.felled_by.eq(EnsembleResult::wrong), wrong));
  // The median itself lies on the boundary, where either answer is right.
  const Tensor clear = wrong.logical_or((distance - ball.radius).abs().gt(1e-3 * ball.radius));
  const Tensor robust = distance.gt(ball.radius).logical_and(wrong.logical_not());
  EXPECT_TRUE(at::equal(stands.logical_and(clear), robust.logical_and(clear)));

  EXPECT_TRUE(inside(ball, linear.images, result.adversarial).all().item<bool>());
  EXPECT_TRUE(at::equal(correct(linear.network, result.adversarial, labels), stands));
  EXPECT_DOUBLE_EQ(result.clean.value, 55.0 / 60);
  EXPECT_DOUBLE_EQ(result.robust.value, stands.to(at::kDouble).mean().item<double>());
  // The least margin is that of the point that fell, or of one that did not.
  EXPECT_TRUE(
      at::equal(result.margin.le(0).logical_and(clear), stands.logical_not().logical_and(clear)));
}

TEST_P(Ensemble, AutoattackFindsTheRobustAccuracyOfALinearNetwork) {
  expect_exact(GetParam(), [](const LinearSubject& linear, const Ball& ball) {
    return autoattack_stages(linear.network, ball, quick());
  });
}

TEST_P(Ensemble, StandardFindsTheRobustAccuracyOfALinearNetwork) {
  expect_exact(GetParam(), [](const LinearSubject& linear, const Ball& ball) {
    return standard_stages(linear.network, ball, linear.images);
  });
}

TEST_P(Ensemble, StagesAddUp) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, GetParam());
  const EnsembleResult result = run_ensemble(linear.network, linear.images, linear.labels, ball,
                                             autoattack_stages(linear.network, ball, quick()), 3);
  ASSERT_EQ(result.stages.size(), 4U);
  int64_t standing = 60;
  PassCount passes;
  for (std::size_t i = 0; i < 4; ++i) {
    const StageOutcome& stage = result.stages[i];
    EXPECT_EQ(stage.attacked, standing);
    standing -= result.felled_by.eq(static_cast<int64_t>(i)).sum().item<int64_t>();
    EXPECT_DOUBLE_EQ(stage.robust.value, static_cast<double>(standing) / 60);
    EXPECT_GE(stage.seconds, 0);
    EXPECT_GT(stage.passes.forward, 0);
    passes += stage.passes;
  }
  EXPECT_EQ(passes.forward, result.passes.forward);
  EXPECT_EQ(passes.backward, result.passes.backward);
  // Only the second and third aim at classes.
  const Tensor aimed = result.felled_by.eq(1).logical_or(result.felled_by.eq(2));
  EXPECT_TRUE(at::equal(result.target.ge(0), aimed));

  const EnsembleResult again = run_ensemble(linear.network, linear.images, linear.labels, ball,
                                            autoattack_stages(linear.network, ball, quick()), 3);
  EXPECT_TRUE(at::equal(again.adversarial, result.adversarial));
  EXPECT_TRUE(at::equal(again.felled_by, result.felled_by));
}

INSTANTIATE_TEST_SUITE_P(Norms, Ensemble, testing::Values(Norm::linf, Norm::l2),
                         [](const auto& each) { return to_string(each.param); });

Stage stage(const std::string& name, const std::function<AttackResult(const Tensor&)>& attack) {
  return {name, [attack](const Network&, const Tensor& images, const Tensor&, std::uint64_t,
                         const Progress&) { return attack(images); }};
}

TEST(EnsembleClaims, CountOnlyIfTheyHold) {
  const LinearSubject linear = linear_subject();
  const Ball ball = half_of_them(linear, Norm::linf);
  const auto claim_all = [](const Tensor& x) { return at::ones({x.size(0)}, at::kBool); };
  const std::vector<Stage> liars{// Adversarial for many, far out of the ball.
                                 stage("far",
                                       [&](const Tensor& x) {
                                         return AttackResult{1 - x, claim_all(x)};
                                       }),
                                 // Out of the box.
                                 stage("below",
                                       [&](const Tensor& x) {
                                         return AttackResult{x - 2, claim_all(x)};
                                       }),
                                 // In the ball, but answered right.
                                 stage("idle",
                                       [&](const Tensor& x) {
                                         return AttackResult{x.clone(), claim_all(x)};
                                       }),
                                 stage("nothing", [&](const Tensor& x) {
                                   return AttackResult{x / 0.0, claim_all(x)};
                                 })};
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, linear.labels, ball, liars);
  EXPECT_DOUBLE_EQ(result.robust.value, 1.0);
  EXPECT_TRUE(at::equal(result.adversarial, linear.images));
}

TEST(EnsembleStages, ASharedOneGetsThoseOfLeastMargin) {
  const LinearSubject linear = linear_subject(40);
  const Tensor margin = margins(logits(linear.network, linear.images), linear.labels);
  Tensor seen;
  Stage part = stage("part", [&](const Tensor& x) {
    seen = x;
    return AttackResult{x.clone(), at::zeros({x.size(0)}, at::kBool)};
  });
  part.share = 0.25;
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, linear.labels, {Norm::linf, 0.1}, {part});
  EXPECT_EQ(result.stages[0].attacked, 10);
  const Tensor least = margin.argsort().slice(0, 0, 10);
  EXPECT_TRUE(at::equal(seen, linear.images.index_select(0, least)));
}

TEST(EnsembleStages, AreRepeatedWhileTheyFellMuch) {
  const LinearSubject linear = linear_subject(40);
  int calls = 0;
  // Fells half of what it gets twice, then nothing.
  Stage half = stage("half", [&](const Tensor& x) {
    const Tensor success = at::arange(x.size(0)).lt(++calls < 3 ? x.size(0) / 2 : 0);
    // Any point of so large a ball; most of these are answered otherwise.
    return AttackResult{at::where(per_sample(success, x), 1 - x, x), success};
  });
  half.again_above = 0.1;
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, linear.labels, {Norm::linf, 1.0}, {half});
  EXPECT_EQ(calls, 3);
  ASSERT_EQ(result.stages.size(), 1U);
  EXPECT_GT(result.stages[0].attacked, 40);
  half.again_above = 1;
  calls = 0;
  run_ensemble(linear.network, linear.images, linear.labels, {Norm::linf, 1.0}, {half});
  EXPECT_EQ(calls, 1);
}

// A stage that fells a random fifth of what it gets, and remembers the seeds it was given: on the
// whole ball, where almost any point is answered otherwise.
struct Draws {
  LinearSubject linear = linear_subject(1200);
  Ball ball{Norm::linf, 1.0};
  std::shared_ptr<std::set<std::uint64_t>> seeds = std::make_shared<std::set<std::uint64_t>>();
  int calls = 0;
  std::vector<Stage> stages() {
    const auto fifth = [this](const Network&, const Tensor& x, const Tensor&, std::uint64_t seed,
                              const Progress&) {
      seeds->insert(seed);
      ++calls;
      const Tensor draw = at::rand({x.size(0)}, make_generator(seed));
      const Tensor success = draw.lt(0.2);
      return AttackResult{at::where(per_sample(success, x), 1 - x, x), success, Tensor(),
                          draw.to(x.scalar_type())};
    };
    return {{"all", fifth, 1, 0.15}, {"half", fifth, 0.5, 0.15}};
  }
  EnsembleState begin() const {
    return begin_ensemble(linear.network, linear.images, linear.labels);
  }
  void run(EnsembleState& state, const EnsembleHooks& hooks = {}) {
    run_ensemble(state, linear.network, linear.images, linear.labels, ball, stages(), 5, hooks);
  }
  void load(const std::filesystem::path& path, const std::string& settings, EnsembleState& state) {
    load_ensemble(path, settings, stages(), linear.network, linear.images, linear.labels, ball,
                  state);
  }
};

TEST(EnsembleCheckpoints, AStoppedRunGivesWhatItWouldHaveGiven) {
  const TemporaryFolder folder;
  const auto file = [&](int i) { return folder.path() / std::to_string(i); };
  Draws draws;
  int checkpoints = 0;
  int within_turns = 0;
  EnsembleState whole = draws.begin();
  draws.run(whole, {{}, [&](const EnsembleState& at) {
                      within_turns += at.pending.size(0) > 0 ? 1 : 0;
                      save_ensemble(file(checkpoints++), at, "seed: 5\n");
                    }});
  // Blocks, turns and stages draw their own random numbers, and all three occur.
  EXPECT_EQ(draws.seeds->size(), static_cast<std::size_t>(draws.calls));
  ASSERT_GT(within_turns, 2);
  ASSERT_GT(whole.result.stages[0].attacked, 1200);
  ASSERT_GT(whole.result.felled_by.eq(1).sum().item<int64_t>(), 0);
  for (int i = 0; i < checkpoints; ++i) {
    EnsembleState part = draws.begin();
    draws.load(file(i), "seed: 5\n", part);
    draws.run(part);
    EXPECT_TRUE(at::equal(part.result.felled_by, whole.result.felled_by)) << i;
    EXPECT_TRUE(at::equal(part.result.adversarial, whole.result.adversarial)) << i;
    EXPECT_TRUE(at::equal(part.result.margin, whole.result.margin)) << i;
    EXPECT_EQ(part.result.passes.forward, whole.result.passes.forward) << i;
    EXPECT_EQ(part.result.robust.value, whole.result.robust.value) << i;
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_EQ(part.result.stages[k].robust.value, whole.result.stages[k].robust.value) << i;
      EXPECT_EQ(part.result.stages[k].attacked, whole.result.stages[k].attacked) << i;
    }
  }
}

TEST(EnsembleCheckpoints, DamagedOnesAreRefused) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "state";
  Draws draws;
  EnsembleState state = draws.begin();
  int checkpoints = 0;
  // The first block of the first turn: something is pending, something has fallen.
  draws.run(state, {{}, [&](const EnsembleState& at) {
                      if (checkpoints++ == 0) save_ensemble(path, at, "seed: 5\n");
                    }});
  const auto sound = read_npz(path);
  const auto refused = [&](const std::string& name, const Tensor& array) {
    auto arrays = sound;
    arrays[name] = array;
    write_npz(path, {arrays.begin(), arrays.end()});
    EnsembleState fresh = draws.begin();
    try {
      draws.load(path, "seed: 5\n", fresh);
    } catch (const Error& error) {
      return std::string(error.what()).find("'" + name + "'") != std::string::npos;
    }
    return false;
  };
  const auto changed = [&](const std::string& name, int64_t place, int64_t value) {
    Tensor array = sound.at(name).clone();
    array.view({-1})[place] = value;
    return array;
  };
  const int64_t fallen = sound.at("felled_by").eq(0).nonzero()[0].item<int64_t>();
  EXPECT_TRUE(refused("pending", changed("pending", 0, 1200)));
  EXPECT_TRUE(refused("pending", changed("pending", 0, -1)));
  EXPECT_TRUE(refused("pending", changed("pending", 0, fallen)));
  EXPECT_TRUE(refused("pending", changed("pending", 0, sound.at("pending")[1].item<int64_t>())));
  EXPECT_TRUE(refused("turn", changed("turn", 0, 1201)));
  EXPECT_TRUE(refused("turn", changed("turn", 1, 1201)));
  EXPECT_TRUE(refused("stages", changed("stages", 0, -1)));
  EXPECT_TRUE(refused("stages", changed("stages", 1, std::numeric_limits<int64_t>::max())));
  EXPECT_TRUE(refused("stages", at::zeros({3, 3}, at::kLong)));
  EXPECT_TRUE(refused("seconds", at::zeros({2}, at::kDouble)));
  EXPECT_TRUE(refused("felled_by", changed("felled_by", 0, 1)));
  EXPECT_TRUE(refused("felled_by", changed("felled_by", 0, EnsembleResult::wrong)));
  EXPECT_TRUE(refused("adversarial", draws.linear.images));  // nothing fell there
  EXPECT_TRUE(refused("adversarial", sound.at("adversarial").slice(0, 0, 9)));
  EXPECT_TRUE(refused("margin", sound.at("margin").to(at::kLong)));
  // No stage begun, and yet something pending.
  auto arrays = sound;
  arrays["stages"] = at::zeros({0, 3}, at::kLong);
  arrays["seconds"] = at::zeros({0}, at::kDouble);
  arrays["felled_by"] = at::full_like(sound.at("felled_by"), EnsembleResult::stands);
  write_npz(path, {arrays.begin(), arrays.end()});
  EnsembleState fresh = draws.begin();
  EXPECT_THROW(draws.load(path, "seed: 5\n", fresh), Error);
  // Other settings.
  write_npz(path, {sound.begin(), sound.end()});
  EXPECT_THROW(draws.load(path, "seed: 6\n", fresh), Error);
  EnsembleState again = draws.begin();
  draws.load(path, "seed: 5\n", again);
}

TEST(EnsembleStages, AreNotRunOnceNothingStands) {
  const LinearSubject linear = linear_subject(10);
  const Tensor wrong = (linear.labels + 1).remainder(6);
  int calls = 0;
  const EnsembleResult result =
      run_ensemble(linear.network, linear.images, wrong, {Norm::linf, 0.1},
                   {stage("counting", [&](const Tensor& x) {
                     ++calls;
                     return AttackResult{x.clone(), at::zeros({x.size(0)}, at::kBool)};
                   })});
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(result.stages.at(0).attacked, 0);
  EXPECT_DOUBLE_EQ(result.robust.value, 0.0);
}

TEST(EnsembleStages, ProgressCountsSamplesOfAllStages) {
  const LinearSubject linear = linear_subject(20);
  const Ball ball{Norm::linf, 0.01};
  int64_t last = 0;
  run_ensemble(linear.network, linear.images, linear.labels, ball,
               autoattack_stages(linear.network, ball, quick()), 0,
               [&](int64_t done, int64_t total) {
                 EXPECT_EQ(total, 80);
                 EXPECT_GE(done, last);
                 last = done;
               });
  EXPECT_EQ(last, 80);
}

TEST(EnsembleStages, AutoattackRefusesTooFewClasses) {
  EXPECT_THROW(autoattack_stages(linear_subject(5, 3).network, {Norm::linf, 0.1}), Error);
}

}  // namespace
}  // namespace reluctance
