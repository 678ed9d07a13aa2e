// The attacks by their names: what each takes, what it does not, and that a name is understood.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "cli/mistakes.hpp"

namespace reluctance {
namespace {

TEST_F(Mistakes, OptionsWithoutEffectOnAnAttack) {
  expect_refused({
      {{"evaluate", "--attack", "standard", "--steps", "1000"},
       {"--steps has no effect on --attack standard",
        "apgd-ce, apgd-dlr, apgd-t, fab-t, square, pgd and raw take it"}},
      {{"evaluate", "--attack", "autoattack", "--loss", "dlr"},
       {"--loss has no effect on --attack autoattack", "pgd, fgsm and raw take it"}},
      {{"evaluate", "--attack", "fgsm", "--step-size", "0.5"},
       {"--step-size has no effect on --attack fgsm", "pgd takes it"}},
      {{"evaluate", "--attack", "pgd", "--beta", "3"},
       {"--beta has no effect on --attack pgd", "raw takes it"}},
      {{"evaluate", "--attack", "raw", "--norm", "l2"},
       {"--norm has no effect on --attack raw", "standard, autoattack, malt, apgd-ce",
        "pgd and fgsm take it"}},
      {{"evaluate", "--attack", "pgd", "--audit", "2"},
       {"--audit has no effect on --attack pgd", "standard takes it"}},
      // Even with the value that it has anyway.
      {{"evaluate", "--attack", "standard", "--restarts", "1"}, {"--restarts", "pgd"}},
      // An ensemble is nothing to train with.
      {{"train", "--attack", "raw", "--norm", "l2"},
       {"--norm has no effect on --attack raw; pgd and fgsm take it"}},
      {{"explain", "--attack", "fgsm", "--steps", "3"}, {"--steps", "pgd and raw"}},
  });
}

TEST_F(Mistakes, TargetsThatNoAttackCanAimAt) {
  expect_refused({
      {{"evaluate", "--target", "3"},
       {"--target has no effect on --attack standard", "apgd-t", "square", "pgd", "take it"}},
      {{"evaluate", "--attack", "autoattack", "--target", "3"}, {"--target has no effect"}},
      {{"evaluate", "--attack", "malt", "--target", "3"}, {"--target has no effect"}},
      {{"evaluate", "--attack", "pgd", "--target", "-1"}, {"--target"}},
      {{"evaluate", "--attack", "pgd", "--target", "three"}, {"--target", "three"}},
      {{"train", "--attack", "pgd", "--target", "3"}, {"--target"}},
      {on_both("evaluate") + Arguments{"--attack", "pgd", "--target", "10"},
       {"--target 10", "classes are 0 to 9"}},
  });
}

TEST_F(Mistakes, OptionsOfAnAttackThatIsNotNamed) {
  expect_refused({
      {{"train", "--eps", "0.1"}, {"--eps has no effect without an attack", "--attack"}},
      {{"train", "--attack", "none", "--norm", "l2"}, {"--norm", "without an attack"}},
      {{"influence", "--model", "x", "--norm", "l2"}, {"--norm has no effect", "--attack"}},
      {{"influence", "--model", "x", "--eps", "0.5"}, {"--eps has no effect", "--attack"}},
      {{"curvature", "--model", "x", "--eps", "0.5"}, {"--eps has no effect", "--operator"}},
      {{"curvature", "--model", "x", "--attack", "pgd"}, {"--attack has no", "--operator"}},
      {{"curvature", "--model", "x", "--operator", "hessian", "--eps", "0.5"},
       {"--eps has no effect without an attack", "--attack"}},
  });
}

TEST_F(Mistakes, AttacksThatNobodyKnows) {
  expect_refused({
      {{"train", "--attack", "pgdd"}, {"--attack pgdd", "did you mean pgd?"}},
      {{"explain", "--attack", "fgsmm"}, {"--attack fgsmm", "did you mean fgsm?"}},
      {{"evaluate", "--attack", "autoatack"}, {"autoatack", "did you mean autoattack?"}},
      {{"influence", "--attack", "raww"}, {"--attack raww", "did you mean raw?"}},
      {{"evaluate", "--attack", "cw"},
       {"--attack cw", "standard, autoattack, malt, apgd-ce", "pgd, fgsm or raw"}},
      // An ensemble is nothing to follow step by step.
      {{"influence", "--attack", "standard"}, {"--attack standard", "pgd, fgsm or raw"}},
      {{"train", "--attack", "cw"}, {"--attack cw", "pgd", "fgsm", "raw", "none"}},
  });
}

TEST_F(Mistakes, NormsAndLossesThatAnAttackDoesNotHave) {
  expect_refused({
      {{"evaluate", "--attack", "fgsm", "--norm", "l1"}, {"--attack fgsm", "l1", "choose linf"}},
      {{"train", "--attack", "fgsm", "--norm", "l2"}, {"--attack fgsm", "l2", "choose linf"}},
      // Before networks are trained whose curvature nobody can tell.
      {{"explain", "--norm", "l1"}, {"effective curvature", "choose linf or l2"}},
      {{"explain", "--loss", "margin"}, {"curvature", "margin", "cross-entropy"}},
      {{"evaluate", "--attack", "pgd", "--norm", "l3"}, {"norm 'l3'", "linf, l2 or l1"}},
      {{"evaluate", "--attack", "pgd", "--loss", "hinge"},
       {"loss 'hinge'", "cross-entropy, squared-error, margin or dlr"}},
  });
}

TEST_F(Cli, WhatFellsAnImageDependsOnThatImageAlone) {
  // By small steps, so that random starts and restarts matter.
  const Arguments attack{"--attack", "pgd",         "--eps", "0.02",       "--steps",
                         "3",        "--step-size", "0.004", "--restarts", "4"};
  const auto felled_by = [&](const std::string& limit) {
    EXPECT_TRUE(succeeded(run_here(on_both("evaluate") + attack +
                                   Arguments{"--limit", limit, "--save", limit + ".npz"})));
    return read_npz(in_folder(limit + ".npz")).at("felled_by");
  };
  const Tensor few = felled_by("50");
  const Tensor more = felled_by("100");
  ASSERT_EQ(few.sizes(), at::IntArrayRef({50}));
  ASSERT_EQ(more.sizes(), at::IntArrayRef({100}));
  EXPECT_TRUE(at::equal(few, more.slice(0, 0, 50)));
  for (const int64_t outcome : {-2, -1, 0}) {
    EXPECT_TRUE(few.eq(outcome).any().item<bool>()) << "no image with " << outcome;
  }
}

}  // namespace
}  // namespace reluctance
